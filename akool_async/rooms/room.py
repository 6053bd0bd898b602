"""Rooms of one's own, for the service to put its avatar in (docs/protocol.md §1 "Credentials").

An own room has two sets of credentials: the avatar's, which is sent to the service, and the bot's,
which this program joins with. Both are checked when the room is made or prepared, before a session
is paid for. Other people may be in the room: only packets of the avatar's identity are taken for
the avatar's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import SecretStr

from akool_async.models.credentials import Credentials
from akool_async.rooms.viewers import RoomLinks
from akool_async.validation import text

__all__ = ["OwnRoom", "OwnStreamType", "PreparedRoom", "secret_text"]

OwnStreamType: TypeAlias = Literal["agora", "livekit", "trtc"]


@dataclass(frozen=True, slots=True)
class PreparedRoom:
    """What one session in an own room needs.

    Attributes:
        stream_type: "livekit", "agora" or "trtc".
        avatar_credentials: `credentials` of session/create, for the avatar. Holds a secret, in
            clear: it is what is sent.
        bot_credentials: what this program joins with.
        avatar: the avatar's identity in the room.
        bot: the bot's.
        transport_options: options that the transport needs besides.
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
        """Makes or checks both sets of credentials.

        Args:
            duration: seconds of the session, `None`: not known.

        Raises:
            InvalidParameterError: a token has expired since, or is for another room.
            MissingDependencyError: tokens are to be made, and what makes them isn't installed.
        """

    @property
    def can_renew(self) -> bool:
        """Whether `renew` gives a token that lasts longer than the one before."""
        return False

    def another(self, number: int) -> OwnRoom | None:
        """The same room for a session that is open beside this one, with other identities.

        `None`: there are only the identities that this one uses, so the two sessions would remove
        each other's participants.
        """
        del number
        return None

    @property
    def links(self) -> RoomLinks:
        """How people get tokens for the room; by default not by this library."""
        kind = self.stream_type
        return RoomLinks(why_not=f"a room of the kind {kind!r} takes what its own backend makes")

    def renew(self, *, duration: float | None = None) -> Credentials:
        """Credentials with which the bot joins again, good for `duration` seconds from now.

        Raises:
            InvalidParameterError: the room has ready tokens only, and they have expired.
            MissingDependencyError: as `prepare`.
        """
        return self.prepare(duration=duration).bot_credentials


def secret_text(name: str, value: object) -> str:
    """A secret given as a string or a `SecretStr`."""
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    return text(name, plain, secret=True)
