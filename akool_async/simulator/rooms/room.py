"""A session's room as the service sees it: one subclass per kind, one contract for all.

The simulator's avatar talks through `SimRoom.send` and hears through `RoomEvents`; it doesn't know
what carries the packets. A subclass brings the credentials for session/create's answer and the
HTTP routes it needs on the simulator's own port.
"""

from __future__ import annotations

import abc
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, TypeAlias

from aiohttp import web

from akool_async.simulator.media.settings import Media
from akool_async.simulator.meeting.player import MeetingPlayer
from akool_async.simulator.network import NetworkConditions
from akool_async.stream.limits import Dialect

if TYPE_CHECKING:
    from akool_async.simulator.media.avatar_media import AvatarMedia

__all__ = [
    "MEDIA_KINDS",
    "MakeFault",
    "RoomDirectory",
    "RoomEvents",
    "RoomListener",
    "RoomRequest",
    "SimRoom",
    "check_media_kind",
]

#: What an avatar can publish.
MEDIA_KINDS: Final = ("audio", "video")


def check_media_kind(kind: str) -> None:
    """Raises `ValueError` where there are no tracks of that kind."""
    if kind not in MEDIA_KINDS:
        raise ValueError(f"{kind!r} is neither audio nor video")


#: Makes something go wrong; its keyword arguments are the fault's options.
MakeFault: TypeAlias = Callable[..., Awaitable[None] | None]


class RoomListener(Protocol):
    """What happens in a room. Called on the event loop; must not block or raise."""

    def joined(self, identity: str) -> None:
        """A participant other than the avatar is in the room, and packets reach it."""

    def left(self, identity: str) -> None:
        """It left, or its connection was given up."""

    def packet(self, data: bytes, sender: str) -> None:
        """A participant sent a packet."""


class RoomEvents(RoomListener, Protocol):
    """What a room reports to its avatar."""

    def renewed(self) -> None:
        """The avatar or a participant came back, or a participant's token was renewed."""


@dataclass(frozen=True, slots=True)
class RoomRequest:
    """What a room is made for.

    Attributes:
        session_id: the session's `_id`.
        duration: seconds until the session runs out.
        stream_type: as given to session/create or its default: "livekit", "agora", "trtc"; v3 also
            "flv".
        base_url: the simulator's own URL, without a slash at the end.
        conditions: loss, doubling, disorder and delay asked for by a test; the room applies them
            to what it delivers in either direction.
        credentials: the user's own room, as given to session/create; `None`: the service makes
            one.
    """

    session_id: str
    duration: float
    stream_type: str
    base_url: str
    conditions: NetworkConditions
    credentials: Mapping[str, Any] | None = field(default=None, repr=False)


class SimRoom(abc.ABC):
    """One session's room. `open`, `send` and `close` are called by the avatar's side only."""

    #: "livekit", "agora", "trtc" or "chatroom".
    kind: ClassVar[str]
    dialect: ClassVar[Dialect] = "v2"
    #: Whether this kind carries the avatar's sound and picture, where the simulator has them on.
    carries_media: ClassVar[bool] = False

    def __init__(self, request: RoomRequest, events: RoomEvents) -> None:
        self.request = request
        self.events = events
        self.base_url = request.base_url
        self.conditions = request.conditions
        #: The avatar's sound and picture, set before `open`; `None`: only text is exchanged.
        self.media: AvatarMedia | None = None

    @classmethod
    def routes(cls, rooms: RoomDirectory) -> Iterable[web.RouteDef]:
        """HTTP routes on the simulator's port that this kind needs; made once per simulator."""
        del rooms
        return ()

    @abc.abstractmethod
    async def open(self) -> dict[str, Any]:
        """Makes the room, the avatar in it. Returns `credentials` (v4) or `stream_urls` (v3)."""

    @abc.abstractmethod
    async def send(self, packet: bytes) -> None:
        """The avatar sends a packet to all in the room; it is lost where the room is empty."""

    @abc.abstractmethod
    async def close(self, reason: str) -> None:
        """Ends the room: "closed" by a call, "expired" when its duration is up. Twice is fine."""

    def publish(self, *, on: bool = True) -> None:  # noqa: B027 - not every room has tracks
        """The avatar publishes its video, or stops. Does nothing in rooms without tracks."""

    async def meet(self, player: MeetingPlayer) -> None:  # noqa: B027 - not every room has sound
        """The avatar plays the audio that it is sent (`scene_mode="meeting"`).

        Called once, after `open`. The default takes none.
        """

    async def leave(self) -> None:
        """The avatar leaves and the room stays open, for the others in it; `close` comes later.

        One of the ways in which a session may run out (docs/protocol.md §2 "Still open"). A kind of
        room that has no notion of participants ends instead.
        """
        await self.close("expired")

    @property
    def faults(self) -> Mapping[str, MakeFault]:
        """What can be made to go wrong, by name."""
        return {}

    async def fault(self, name: str, **options: Any) -> None:
        """Makes something go wrong now, for example `drop_socket`.

        Raises:
            ValueError: this kind of room doesn't know that fault (lists those it knows).
        """
        faults = self.faults
        if name not in faults:
            there = ", ".join(sorted(faults))
            known = f"; it knows {there}" if there else ""
            raise ValueError(f"a {self.kind} room knows no fault named {name!r}{known}")
        made = faults[name](**options)
        if made is not None:
            await made


class RoomDirectory:
    """The rooms that are open, for route handlers.

    Attributes:
        media: how avatars look and sound; `None`: only text is exchanged.
    """

    def __init__(self, *, media: Media | None = None) -> None:
        self.media = media
        self._rooms: list[SimRoom] = []

    def add(self, room: SimRoom) -> None:
        """A room opens."""
        self._rooms.append(room)

    def remove(self, room: SimRoom) -> None:
        """A room that was added is closed."""
        self._rooms.remove(room)

    def of_kind(self, kind: str) -> list[SimRoom]:
        """All open rooms of a kind."""
        return [room for room in self._rooms if room.kind == kind]
