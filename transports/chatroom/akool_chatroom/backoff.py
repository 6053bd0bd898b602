"""When to try the next join, and when to give the room up. Pure: the caller has the clock."""

from __future__ import annotations

import random
from typing import Final

__all__ = ["Backoff"]

#: A connection that lasted this many seconds ended the outage before it.
SETTLED: Final = 10.0


class Backoff:
    """Pauses between tries, doubling, with full jitter, until `give_up_after` is used up.

    Only time without a connection counts. A room that is joined and breaks again
    within ten seconds is still the same outage, so that it can't go on for ever.
    """

    __slots__ = (
        "_first",
        "_give_up_after",
        "_lost_at",
        "_most",
        "_random",
        "_spent",
        "_tries",
        "_up",
    )

    def __init__(self, *, first: float, most: float, give_up_after: float) -> None:
        """All in seconds: longest first pause, longest pause, time without a room."""
        self._first = first
        self._most = most
        self._give_up_after = give_up_after
        self._random = random.Random()
        self._tries = 0
        self._spent = 0.0
        self._lost_at = 0.0
        self._up: float | None = None

    def joined(self, now: float) -> None:
        """The room was joined (the first time, or again)."""
        if self._up is None and self._tries:
            self._spent += now - self._lost_at
        self._up = now

    def lost(self, now: float) -> None:
        """The connection broke."""
        if self._up is None or now - self._up >= SETTLED:
            self._tries = 0
            self._spent = 0.0
        self._up = None
        self._lost_at = now

    def left(self, now: float) -> float:
        """Seconds left until it is given up."""
        return self._give_up_after - self._spent - (now - self._lost_at)

    def pause(self) -> float:
        """How long to wait before the next try."""
        # The exponent is bounded: 2.0 ** 1024 would overflow.
        longest = min(self._most, self._first * 2.0 ** min(self._tries, 32))
        self._tries += 1
        return longest * self._random.random()
