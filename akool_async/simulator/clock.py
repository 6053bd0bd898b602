"""The simulator's time: real, unless a test moves it forward or stops it altogether."""

from __future__ import annotations

import asyncio
import time

__all__ = ["Clock"]


class Clock:
    """Seconds since it was made; everything in the simulator that waits or expires asks it.

    Args:
        running: time passes by itself, and `advance` adds to it. `False`: it passes only by
            `advance`, so that nothing happens before a test says so.
    """

    def __init__(self, *, running: bool = True) -> None:
        self.running = running
        self._started = _monotonic()
        self._unix = time.time()
        self._ahead = 0.0
        self._sleepers: dict[asyncio.Future[None], float] = {}

    def now(self) -> float:
        """Seconds since the clock was made; never goes back."""
        passed = _monotonic() - self._started if self.running else 0.0
        return passed + self._ahead

    def unix(self) -> float:
        """The same moment in seconds since 1970."""
        return self._unix + self.now()

    async def sleep(self, seconds: float) -> None:
        """Returns once `seconds` of this clock's time have passed."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        self._sleepers[woken] = self.now() + seconds
        timer = loop.call_later(seconds, _wake, woken) if self.running else None
        try:
            await woken
        finally:
            del self._sleepers[woken]
            if timer is not None:
                timer.cancel()

    def advance(self, seconds: float) -> None:
        """Moves time forward; wakes whoever was to wake up meanwhile, in order.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError(f"time doesn't go back: {seconds}")
        self._ahead += seconds
        now = self.now()
        for woken, when in sorted(self._sleepers.items(), key=lambda item: item[1]):
            if when <= now:
                _wake(woken)


def _monotonic() -> float:
    """The event loop's time, which its timers follow; outside a loop the machine's."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
