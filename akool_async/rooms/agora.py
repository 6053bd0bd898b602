"""A channel of one's own Agora project, for the service's avatar to join."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

from pydantic import SecretStr

from akool_async.errors import InvalidParameterError
from akool_async.models.credentials import AgoraCredentials
from akool_async.rooms.agora_token import check_agora_token
from akool_async.rooms.avatar_credentials import own_credentials_body
from akool_async.rooms.room import OwnRoom, OwnStreamType, PreparedRoom, secret_text
from akool_async.validation import text, whole

__all__ = ["OwnAgoraRoom"]

#: The largest Agora uid.
_LARGEST_UID: Final = 2**32 - 1


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
        for name in ("channel", "app_id"):
            # Frozen: this is how a dataclass stores what it made of a value it was given.
            object.__setattr__(self, name, text(name, getattr(self, name)))
        for name in ("avatar_uid", "bot_uid"):
            # Not 0, for which Agora chooses a uid: then the avatar's isn't known.
            object.__setattr__(self, name, whole(name, getattr(self, name), 1, _LARGEST_UID))
        if self.avatar_uid == self.bot_uid:
            raise InvalidParameterError(
                "bot_uid",
                f"{self.bot_uid} is the avatar's too, and the two would remove each other",
            )
        for name, secret in zip(("avatar_token", "bot_token"), self._check_tokens(), strict=True):
            object.__setattr__(self, name, SecretStr(secret))

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
