"""What a network does to packets on their way, in one direction of a room."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from akool_async.simulator.network import NetworkConditions

__all__ = ["SimulatedLink"]

#: Seconds until a reliable channel has noticed a loss and sent the packet again.
RESEND_AFTER: Final = 0.1


class SimulatedLink:
    """Carries packets one way, under `conditions`.

    An unreliable line loses, doubles and reorders as the conditions say. A reliable one does none
    of it: there, a lost packet comes late, and everything after it waits.
    """

    def __init__(self, conditions: NetworkConditions, *, reliable: bool) -> None:
        self.conditions = conditions
        self._reliable = reliable
        self._timers: set[asyncio.TimerHandle] = set()
        self._queue: deque[tuple[float, Callable[[], None]]] = deque()

    @property
    def pending(self) -> bool:
        """Whether something is still on its way."""
        return bool(self._timers)

    def carry(self, deliver: Callable[[], None]) -> None:
        """Calls `deliver` as often and as late as the conditions say; at once where they can."""
        times = self.conditions.deliveries()
        if self._reliable:
            self._carry_in_order(
                min(times) if times else self.conditions.delay + RESEND_AFTER, deliver
            )
            return
        for delay in times:
            if delay > 0:
                self.later(delay, deliver)
            else:
                deliver()

    def close(self) -> None:
        """Drops what is still on its way."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._queue.clear()

    def later(self, delay: float, call: Callable[[], None]) -> None:
        """Calls that much later, in seconds, unless the link is closed."""

        def run() -> None:
            self._timers.discard(timer)
            call()

        timer = asyncio.get_running_loop().call_later(delay, run)
        self._timers.add(timer)

    def _carry_in_order(self, delay: float, deliver: Callable[[], None]) -> None:
        now = asyncio.get_running_loop().time()
        if self._queue:
            self._queue.append((max(now + delay, self._queue[-1][0]), deliver))
        elif delay > 0:
            self._queue.append((now + delay, deliver))
            self.later(delay, self._arrive)
        else:
            deliver()

    def _arrive(self) -> None:
        self._queue.popleft()[1]()
        if self._queue:
            due = self._queue[0][0]
            self.later(max(0.0, due - asyncio.get_running_loop().time()), self._arrive)
