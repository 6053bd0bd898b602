"""Whose packets these are: the avatar's, a stranger's, or not known yet (docs/livekit.md rule 4).

Synchronous and without a clock. A participant who publishes no track is announced up to 3 s after
it came, and its packets until then carry no name, the avatar's as well as a stranger's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

__all__ = ["HOLD_SECONDS", "Decision", "SenderFilter"]

#: How long a nameless packet may wait for its sender's name; announcements are batched for 3 s.
HOLD_SECONDS: Final = 3.5
_HOLD_PACKETS: Final = 1000
_HOLD_BYTES: Final = 4 * 2**20
#: Strangers who are reported by name and remembered; further ones are neither.
_MAX_STRANGERS: Final = 100
#: Identities of the avatar that are remembered.
_MAX_LEARNED: Final = 20


@dataclass(slots=True)
class Decision:
    """What became of packets.

    Attributes:
        accepted: the avatar's, in the order they came.
        dropped: how many were a stranger's.
        overflowed: how many were dropped because too many were held.
        stranger: the sender of a dropped packet, if it wasn't reported before; "" if its name
            isn't known.
    """

    accepted: list[bytes] = field(default_factory=list)
    dropped: int = 0
    overflowed: int = 0
    stranger: str | None = None


class SenderFilter:
    """Decides on every packet of a room.

    If the avatar's identity isn't given, the first participant announced is the avatar. In a room
    that the service made, no other participant has a token, and the avatar may return under another
    identity: a participant announced while it is away is taken for it, unless it was a stranger
    before. If an identity that was the avatar before returns, that one is the avatar again, and the
    other one is a stranger. In an own room, and if the identity is given, it never changes.

    Times are seconds of the caller's monotonic clock.
    """

    def __init__(self, avatar: str | None, *, own_room: bool) -> None:
        """`avatar` is its identity, `None`: learned."""
        self._avatar = avatar
        self._is_fixed = avatar is not None or own_room
        self._own_room = own_room
        self._present = False
        #: Identities that were the avatar before the present one.
        self._learned: list[str] = []
        self._strangers_seen = False
        #: When a participant that isn't the avatar was last announced.
        self._stranger_at: float | None = None
        self._strangers: set[str] = set()
        self._reported: set[str] = set()
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

    @property
    def learns(self) -> bool:
        """Whether the avatar may return under another identity."""
        return not self._is_fixed

    def announced(self, identity: str, now: float) -> bool:
        """A participant was announced. Returns whether it is the avatar."""
        if self._may_be_avatar(identity):
            if identity != self._avatar:
                self._take_for_avatar(identity)
            self._present = True
            return True
        self._strangers_seen = True
        self._stranger_at = now
        return False

    def left(self, identity: str) -> bool:
        """A participant left. Returns whether it was the avatar."""
        if identity != self._avatar or not self._present:
            return False
        self._present = False
        return True

    def _may_be_avatar(self, identity: str) -> bool:
        if self._avatar is None or identity == self._avatar or identity in self._learned:
            return True
        return not (self._is_fixed or self._present or identity in self._strangers)

    def _take_for_avatar(self, identity: str) -> None:
        before, self._avatar = self._avatar, identity
        if self._present and before is not None:
            # One that was the avatar earlier returns: the present one wasn't the avatar.
            self._note_stranger(before)
            self._strangers_seen = True
        elif before is not None:
            self._learned = [*self._learned[-_MAX_LEARNED + 1 :], before]
        if identity in self._learned:
            self._learned.remove(identity)

    def _note_stranger(self, identity: str) -> None:
        if len(self._strangers) < _MAX_STRANGERS:
            self._strangers.add(identity)

    def packet(self, data: bytes, identity: str | None, now: float) -> Decision:
        """A packet came; `identity` is its sender's, `None` if it isn't known."""
        if identity is not None:
            if identity == self._avatar:
                return Decision(accepted=[data])
            return self._stranger(identity)
        if self._present:
            return self._stranger("")
        if not self._own_room and not self._strangers_seen:
            # The service's room: no other participant has a token for it.
            return Decision(accepted=[data])
        self._held.append((now, data))
        self._held_bytes += len(data)
        decision = Decision()
        while len(self._held) > _HOLD_PACKETS or self._held_bytes > _HOLD_BYTES:
            self._held_bytes -= len(self._held.popleft()[1])
            decision.overflowed += 1
        return decision

    def deadline(self) -> float | None:
        """When `expire` has something to decide; `None`: nothing is held."""
        return self._held[0][0] + HOLD_SECONDS if self._held else None

    def expire(self, now: float) -> Decision:
        """Decides on the packets that were held long enough.

        They are the avatar's if it is there by now and no other was announced since they came:
        whoever sent them must have been announced in the meantime.
        """
        decision = Decision()
        while self._held and self._held[0][0] + HOLD_SECONDS <= now:
            came, data = self._held.popleft()
            self._held_bytes -= len(data)
            alone = self._stranger_at is None or self._stranger_at < came
            if self._present and alone:
                decision.accepted.append(data)
                continue
            decision.dropped += 1
            if decision.stranger is None:
                decision.stranger = self._first_time("")
        return decision

    def _stranger(self, identity: str) -> Decision:
        if identity:
            self._note_stranger(identity)
        return Decision(dropped=1, stranger=self._first_time(identity))

    def _first_time(self, identity: str) -> str | None:
        if identity in self._reported or len(self._reported) >= _MAX_STRANGERS:
            return None
        self._reported.add(identity)
        return identity
