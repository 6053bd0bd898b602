"""When to try the next join, and when to give the room up. Pure: the caller has the clock."""

from __future__ import annotations

from typing import Final

from akool_async.concurrency import Backoff

__all__ = ["Outage"]

#: A connection that lasted this many seconds ended the outage before it.
SETTLED: Final = 10.0


class Outage:
    """Pauses between tries (see `Backoff`), until `give_up_after` seconds are used up.

    Only time without a connection counts. If a room that was joined breaks again within ten
    seconds, it is still the same outage, so that it can't go on for ever.
    """

    __slots__ = ("_backoff", "_give_up_after", "_joined_at", "_lost_at", "_spent")

    def __init__(self, *, first: float, most: float, give_up_after: float) -> None:
        """All in seconds: longest first pause, longest pause, time without a room."""
        self._backoff = Backoff(first, most)
        self._give_up_after = give_up_after
        self._spent = 0.0
        self._lost_at = 0.0
        self._joined_at: float | None = None

    def joined(self, now: float) -> None:
        """The room was joined (the first time, or again)."""
        if self._joined_at is None and self._backoff.tries:
            self._spent += now - self._lost_at
        self._joined_at = now

    def lost(self, now: float) -> None:
        """The connection broke."""
        if self._joined_at is None or now - self._joined_at >= SETTLED:
            self._backoff.tries = 0
            self._spent = 0.0
        self._joined_at = None
        self._lost_at = now

    def left(self, now: float) -> float:
        """Seconds left until it is given up."""
        return self._give_up_after - self._spent - (now - self._lost_at)

    def pause(self) -> float:
        """How long to wait before the next try, in seconds."""
        return self._backoff.pause()
