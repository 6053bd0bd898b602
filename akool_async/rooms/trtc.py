"""A room of one's own TRTC application, for the service's avatar to join."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import SecretStr

from akool_async.errors import InvalidParameterError
from akool_async.models.credentials import TRTCCredentials
from akool_async.rooms.avatar_credentials import own_credentials_body
from akool_async.rooms.room import OwnRoom, OwnStreamType, PreparedRoom, secret_text
from akool_async.rooms.trtc_user_sig import check_user_sig
from akool_async.validation import text, whole

__all__ = ["OwnTRTCRoom"]


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
        for name in ("room_id", "avatar_user_id", "bot_user_id"):
            # Frozen: this is how a dataclass stores what it made of a value it was given.
            object.__setattr__(self, name, text(name, getattr(self, name)))
        object.__setattr__(self, "app_id", whole("app_id", self.app_id, 1))
        if self.avatar_user_id == self.bot_user_id:
            raise InvalidParameterError(
                "bot_user_id",
                f"{self.bot_user_id!r} is the avatar's too, and the two would remove each other",
            )
        for name, secret in zip(
            ("avatar_user_sig", "bot_user_sig"), self._check_signatures(), strict=True
        ):
            object.__setattr__(self, name, SecretStr(secret))

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
