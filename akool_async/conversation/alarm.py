"""One timer for all the parts of a conversation that have to be told the time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

__all__ = ["Alarm"]


class Alarm:
    """Rings when `deadline()` says; `ring(now)` does what is due, then it is asked again."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        deadline: Callable[[], float | None],
        ring: Callable[[float], None],
    ) -> None:
        self._loop = loop
        self._deadline = deadline
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None
        self._stopped = False
        self._resolution = time.get_clock_info("monotonic").resolution

    def set(self) -> None:
        """Looks at the deadline again: to be called when one may have come nearer."""
        if self._stopped:
            return
        when = self._deadline()
        if when is None:
            return
        if self._handle is not None:
            if self._handle.when() <= when:
                return  # rings early and looks again, which is cheaper than moving it each time
            self._handle.cancel()
        self._handle = self._loop.call_at(when, self._rings)

    def stop(self) -> None:
        """Rings no more."""
        self._stopped = True
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _rings(self) -> None:
        self._handle = None
        # A timer may fire a clock tick early; what is due by then is due.
        self._ring(self._loop.time() + self._resolution)
        self.set()
