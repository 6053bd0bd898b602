"""Rooms of one's own, for the service to put its avatar in (docs/protocol.md §1 "Credentials").

An own room has two ways in: the avatar's, which is sent to the service, and the bot's, which this
program joins with. Both are checked when the room is made or prepared, before a session is paid
for. Who else is in the room doesn't matter: the avatar's identity is remembered, and only its
packets are the avatar's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import SecretStr

from akool_async.errors import InvalidParameterError
from akool_async.models.agora_token import check_agora_token
from akool_async.models.credentials import AgoraCredentials, Credentials, TRTCCredentials
from akool_async.models.own_credentials import own_credentials_body
from akool_async.models.trtc_user_sig import check_user_sig
from akool_async.validation import text, whole

__all__ = ["OwnAgoraRoom", "OwnRoom", "OwnTRTCRoom", "PreparedRoom"]

OwnStreamType: TypeAlias = Literal["agora", "livekit", "trtc"]

#: The largest Agora uid.
_LARGEST_UID = 2**32 - 1


@dataclass(frozen=True, slots=True)
class PreparedRoom:
    """What one session in an own room needs.

    Attributes:
        stream_type: "livekit", "agora" or "trtc".
        avatar_credentials: `credentials` of session/create: the avatar's way in. Holds a secret.
        bot_credentials: the bot's way in.
        avatar: the avatar's identity in the room.
        bot: the bot's.
        transport_options: what the transport must be told besides.
    """

    stream_type: OwnStreamType
    avatar_credentials: Mapping[str, Any] = field(repr=False)
    bot_credentials: Credentials
    avatar: str
    bot: str
    transport_options: Mapping[str, Any] = field(default_factory=dict)


class OwnRoom(ABC):
    """A room of one's own: `open_session(avatar_id, room=…)`."""

    stream_type: ClassVar[OwnStreamType]

    @abstractmethod
    def prepare(self, *, duration: float | None = None) -> PreparedRoom:
        """Makes or checks both ways in, for a session of `duration` seconds (`None`: not known).

        Raises:
            InvalidParameterError: a token has expired meanwhile, or is for another room.
            MissingDependencyError: tokens are to be made, and what makes them isn't installed.
        """


def secret_text(name: str, value: object) -> str:
    """A secret given as a string or a `SecretStr`."""
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    return text(name, plain, secret=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAgoraRoom(OwnRoom):
    """A channel of one's own Agora project.

    Attributes:
        channel: its name.
        app_id: of the project.
        avatar_uid: the avatar's, 1 or more.
        avatar_token: for that uid and channel; sent to the service.
        bot_uid: another one, for this program.
        bot_token: for that uid and channel.
    """

    stream_type: ClassVar[OwnStreamType] = "agora"

    channel: str
    app_id: str
    avatar_uid: int
    avatar_token: str | SecretStr = field(repr=False)
    bot_uid: int
    bot_token: str | SecretStr = field(repr=False)

    def __post_init__(self) -> None:
        text("channel", self.channel)
        text("app_id", self.app_id)
        # 0 has Agora choose one: then nobody knows which is the avatar.
        whole("avatar_uid", self.avatar_uid, 1, _LARGEST_UID)
        whole("bot_uid", self.bot_uid, 1, _LARGEST_UID)
        if self.avatar_uid == self.bot_uid:
            raise InvalidParameterError(
                "bot_uid", f"{self.bot_uid} is the avatar's too: each throws the other out"
            )
        self._check_tokens()

    def _check_tokens(self) -> tuple[str, str]:
        tokens = []
        for who, uid in (("avatar", self.avatar_uid), ("bot", self.bot_uid)):
            token = secret_text(f"{who}_token", getattr(self, f"{who}_token"))
            check_agora_token(
                f"{who}_token", token, channel=self.channel, uid=uid, app_id=self.app_id
            )
            tokens.append(token)
        return tokens[0], tokens[1]

    def prepare(self, *, duration: float | None = None) -> PreparedRoom:
        """Checks the tokens again: they may have expired since. See `OwnRoom.prepare`."""
        del duration
        avatar_token, bot_token = self._check_tokens()
        send = {
            "agora_uid": self.avatar_uid,
            "agora_channel": self.channel,
            "agora_token": avatar_token,
            "agora_app_id": self.app_id,
        }
        return PreparedRoom(
            stream_type=self.stream_type,
            avatar_credentials=own_credentials_body(self.stream_type, send),
            bot_credentials=AgoraCredentials(
                agora_uid=self.bot_uid,
                agora_channel=self.channel,
                agora_token=SecretStr(bot_token),
                agora_app_id=self.app_id,
            ),
            avatar=str(self.avatar_uid),
            bot=str(self.bot_uid),
            transport_options={"avatar_uid": self.avatar_uid},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTRTCRoom(OwnRoom):
    """A room of one's own TRTC application.

    Attributes:
        room_id: a string room id.
        app_id: `SDKAppID` of the application.
        avatar_user_id: the avatar's.
        avatar_user_sig: its signature; sent to the service.
        bot_user_id: another one, for this program.
        bot_user_sig: its signature.
    """

    stream_type: ClassVar[OwnStreamType] = "trtc"

    room_id: str
    app_id: int
    avatar_user_id: str
    avatar_user_sig: str | SecretStr = field(repr=False)
    bot_user_id: str
    bot_user_sig: str | SecretStr = field(repr=False)

    def __post_init__(self) -> None:
        text("room_id", self.room_id)
        whole("app_id", self.app_id, 1)
        text("avatar_user_id", self.avatar_user_id)
        text("bot_user_id", self.bot_user_id)
        if self.avatar_user_id == self.bot_user_id:
            raise InvalidParameterError(
                "bot_user_id",
                f"{self.bot_user_id!r} is the avatar's too: each throws the other out",
            )
        self._check_signatures()

    def _check_signatures(self) -> tuple[str, str]:
        signatures = []
        for who, user_id in (("avatar", self.avatar_user_id), ("bot", self.bot_user_id)):
            name = f"{who}_user_sig"
            signature = secret_text(name, getattr(self, name))
            check_user_sig(name, signature, user_id=user_id, app_id=self.app_id)
            signatures.append(signature)
        return signatures[0], signatures[1]

    def prepare(self, *, duration: float | None = None) -> PreparedRoom:
        """Checks the signatures again: they may have expired since. See `OwnRoom.prepare`."""
        del duration
        avatar_sig, bot_sig = self._check_signatures()
        send = {
            "trtc_sdk_app_id": self.app_id,
            "trtc_sdk_room_id": self.room_id,
            "trtc_sdk_user_id": self.avatar_user_id,
            "trtc_sdk_user_sig": avatar_sig,
        }
        return PreparedRoom(
            stream_type=self.stream_type,
            avatar_credentials=own_credentials_body(self.stream_type, send),
            bot_credentials=TRTCCredentials(
                trtc_app_id=self.app_id,
                trtc_room_id=self.room_id,
                trtc_user_id=self.bot_user_id,
                trtc_user_sig=SecretStr(bot_sig),
            ),
            avatar=self.avatar_user_id,
            bot=self.bot_user_id,
            transport_options={"avatar_user_id": self.avatar_user_id},
        )
