"""One timer for all the parts of a conversation that are given the time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Alarm"]

#: A timer that fires this many seconds late: the program held up its event loop.
_LATE: Final = 0.25
#: What arrived meanwhile counts as read when nothing more was received for this long, in seconds,
#: and the longest that is waited for that.
_DRAINED: Final = 0.3
_LONGEST_DRAIN: Final = 3.0
#: So often it may be held up again meanwhile: an event loop that is always slow must go on, too.
_MOST_ROUNDS: Final = 5


class Alarm:
    """Fires when `deadline()` says; `ring(now)` does what is due, then it is asked again.

    When the event loop was held up, by a blocking call or a frozen process, it fires late, and
    what arrived meanwhile wasn't read yet. So it first waits until `received()`, the number of
    packets read, no longer grows: nothing ends as late that had arrived in time.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        deadline: Callable[[], float | None],
        ring: Callable[[float], None],
        received: Callable[[], int],
    ) -> None:
        self._loop = loop
        self._deadline = deadline
        self._ring = ring
        self._received = received
        self._handle: asyncio.TimerHandle | None = None
        #: When the timer is due. Kept here: uvloop's handle of a timer due at once has no `when`.
        self._due = 0.0
        self._drain_until: float | None = None
        self._rounds = 0
        self._seen = 0
        self._stopped = False
        self._resolution = time.get_clock_info("monotonic").resolution

    def set(self) -> None:
        """Looks at the deadline again: to be called when one may have come nearer."""
        if self._stopped or self._drain_until is not None:
            return
        when = self._deadline()
        if when is None:
            return
        if self._handle is not None:
            if self._due <= when:
                return  # fires early and looks again, which is cheaper than moving it each time
            self._handle.cancel()
        self._call_at(when)

    def stop(self) -> None:
        """Fires no more."""
        self._stopped = True
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _call_at(self, when: float) -> None:
        self._due = when
        self._handle = self._loop.call_at(when, self._fires)

    def _fires(self) -> None:
        self._handle = None
        now = self._loop.time()
        if self._still_draining(now):
            self._call_at(now + _DRAINED)
            return
        # A timer may fire a clock tick early; what is due by then is due.
        self._ring(now + self._resolution)
        self.set()

    def _still_draining(self, now: float) -> bool:
        received = self._received()
        if now - self._due > _LATE and self._rounds < _MOST_ROUNDS:
            self._drain_until = now + _LONGEST_DRAIN
            self._rounds += 1
        elif self._drain_until is None or received == self._seen or now >= self._drain_until:
            self._drain_until = None
            self._rounds = 0
            return False
        self._seen = received
        return True
