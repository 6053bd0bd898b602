"""Whose packets these are: the avatar's, a stranger's, or not known yet (docs/livekit.md rule 4).

Synchronous and without a clock. A participant who publishes no track is announced up to 3 s after
it came, and its packets until then carry no name, the avatar's as well as a stranger's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

__all__ = ["HOLD_SECONDS", "Ruling", "Senders"]

#: How long a nameless packet may wait for its sender's name; announcements are batched for 3 s.
HOLD_SECONDS: Final = 3.5
_HOLD_PACKETS: Final = 1000
_HOLD_BYTES: Final = 4 * 2**20
#: Strangers who are told of by name; a room with more of them is told of no further ones.
_TOLD_STRANGERS: Final = 100


@dataclass(slots=True)
class Ruling:
    """What became of packets.

    Attributes:
        accepted: the avatar's, in the order they came.
        dropped: how many were a stranger's.
        overflowed: how many had to be let go because too many were held.
        stranger: somebody to tell of for the first time; "" is somebody without a name.
    """

    accepted: list[bytes] = field(default_factory=list)
    dropped: int = 0
    overflowed: int = 0
    stranger: str | None = None


class Senders:
    """Rules on every packet of a room.

    Times are seconds of the caller's monotonic clock.
    """

    def __init__(self, avatar: str | None, *, own_room: bool) -> None:
        """`avatar` is its identity where that is known; else the first one announced is it."""
        self._given = avatar
        self._avatar = avatar
        self._own_room = own_room
        self._present = False
        self._strangers_seen = False
        #: When somebody who isn't the avatar was last announced.
        self._stranger_at: float | None = None
        self._told: set[str] = set()
        self._held: deque[tuple[float, bytes]] = deque()
        self._held_bytes = 0

    @property
    def avatar(self) -> str | None:
        """The avatar's identity, as far as it is known."""
        return self._avatar

    @property
    def present(self) -> bool:
        """Whether the avatar was announced and hasn't left."""
        return self._present

    def announced(self, identity: str, now: float) -> bool:
        """Somebody was announced. Returns whether it is the avatar."""
        if self._avatar is None:
            self._avatar = identity
        if identity == self._avatar:
            self._present = True
            return True
        self._strangers_seen = True
        self._stranger_at = now
        return False

    def left(self, identity: str) -> bool:
        """Somebody left. Returns whether it was the avatar."""
        if identity != self._avatar or not self._present:
            return False
        self._present = False
        return True

    def packet(self, data: bytes, identity: str | None, now: float) -> Ruling:
        """A packet came, from somebody with or without a name."""
        if identity is not None:
            if identity == self._avatar:
                return Ruling(accepted=[data])
            return self._stranger(identity)
        if self._present:
            return self._stranger("")
        if not self._own_room and not self._strangers_seen:
            # The service's room: nobody else has a token for it.
            return Ruling(accepted=[data])
        self._held.append((now, data))
        self._held_bytes += len(data)
        ruling = Ruling()
        while len(self._held) > _HOLD_PACKETS or self._held_bytes > _HOLD_BYTES:
            self._held_bytes -= len(self._held.popleft()[1])
            ruling.overflowed += 1
        return ruling

    def deadline(self) -> float | None:
        """When `expire` has something to decide; `None`: nothing is held."""
        return self._held[0][0] + HOLD_SECONDS if self._held else None

    def expire(self, now: float) -> Ruling:
        """Decides on the packets that were held long enough.

        They are the avatar's if it is there by now and nobody else was announced since they came:
        whoever sent them must have been announced in the meantime.
        """
        ruling = Ruling()
        while self._held and self._held[0][0] + HOLD_SECONDS <= now:
            came, data = self._held.popleft()
            self._held_bytes -= len(data)
            alone = self._stranger_at is None or self._stranger_at < came
            if self._present and alone:
                ruling.accepted.append(data)
                continue
            ruling.dropped += 1
            if ruling.stranger is None:
                ruling.stranger = self._first_time("")
        return ruling

    def _stranger(self, identity: str) -> Ruling:
        return Ruling(dropped=1, stranger=self._first_time(identity))

    def _first_time(self, identity: str) -> str | None:
        if identity in self._told or len(self._told) >= _TOLD_STRANGERS:
            return None
        self._told.add(identity)
        return identity
