"""An event loop on which waiting for a timer takes no time.

When nothing is ready to run and the next timer is due in ten seconds, the clock is set ten seconds
ahead. No time passes while callbacks run. So a limit of a tenth of a second is safe on the busiest
machine, and the order of events is the same in every run.

The clock runs at its real pace while something outside the loop may wake it: a socket or pipe that
is watched, a call in an executor, a thread that was started since the loop was made. A child
process is watched by one of these. So sockets, threads and processes work on this loop, too.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["DeadlockError", "VirtualClockLoop"]

#: What a new loop's clock shows, in seconds.
START: Final = 1000.0

#: Seconds that looking at the clock takes.
TICK: Final = 1e-9

#: Iterations in a row at one instant before each takes a millisecond: a loop over `sleep(0)` that
#: waits for a time limit has to reach it.
BUSY: Final = 200_000


#: Seconds on the clock after which what is waited for is taken not to come, though timers go on.
LONGEST: Final = 86_400.0


class DeadlockError(RuntimeError):
    """What the loop waits for doesn't come: nothing can wake it, or a day has passed."""


class _Selector(selectors.BaseSelector):
    """The real selector, asked in such a way that no time is spent on waiting for timers."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self._before = set(threading.enumerate())
        self._busy = 0
        self.now = START
        self.in_executor = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; lets time pass until something is, or `timeout` seconds are over."""
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            self._busy += 1
            self.now += 0.001 if self._busy > BUSY else 0.0
            return ready
        self._busy = 0
        if self._may_be_woken():
            start = time.monotonic()
            ready = self._real.select(timeout)
            self.now += time.monotonic() - start
            return ready
        # A thread may have woken the loop and ended since the first look.
        ready = self._real.select(0)
        if ready:
            return ready
        if timeout is None:
            raise DeadlockError("nothing is left that could wake this loop: no timer, no socket")
        self.now += timeout
        if self.now - START > LONGEST:
            raise DeadlockError("a day of this loop's time has passed")
        return ready

    def _may_be_woken(self) -> bool:
        # One of what is watched is the loop's own end of the pipe for `call_soon_threadsafe`.
        return (
            len(self._real.get_map()) > 1
            or self.in_executor > 0
            or any(not _idle(one) for one in set(threading.enumerate()) - self._before)
        )

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


def _idle(thread: threading.Thread) -> bool:
    """Whether it is an executor's, whose calls are counted apart."""
    return thread.name.startswith("asyncio_")


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer when there is nothing else to do."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds on this loop's clock; never the same twice: equal delays keep their order.

        asyncio runs timers that are due at the same instant in any order.
        """
        self._virtual.now += TICK
        return self._virtual.now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        """As the base class's; time passes at its real pace until the call is over."""
        future = super().run_in_executor(executor, func, *args)
        self._virtual.in_executor += 1
        future.add_done_callback(self._executed)
        return future

    def _executed(self, _: asyncio.Future[Any]) -> None:
        self._virtual.in_executor -= 1
