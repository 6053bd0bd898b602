"""Credits that the session has taken, asked for at most once in a while for all browsers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from akool_async.errors import AkoolError

__all__ = ["EVERY", "Spending"]

#: Seconds between two questions: the balance is of no use to anything but the page.
EVERY: Final = 20.0
_TIMEOUT: Final = 10.0


class Spending:
    """Keeps the last answer of a function that asks the service."""

    def __init__(self, ask: Callable[[], Awaitable[float | None]] | None) -> None:
        """`ask`: credits spent so far, `None` where that isn't known; without it, nothing is."""
        self._ask = ask
        self._last: float | None = None
        self._asked_at = float("-inf")
        self._lock = asyncio.Lock()

    @property
    def is_known(self) -> bool:
        """Whether there is anything to ask."""
        return self._ask is not None

    async def spent(self, *, newest: bool = False) -> float | None:
        """The credits; not older than `EVERY` seconds, with `newest` asked for now."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._ask is not None and (newest or now - self._asked_at >= EVERY):
                self._asked_at = now
                try:
                    async with asyncio.timeout(_TIMEOUT):
                        self._last = await self._ask()
                except (AkoolError, TimeoutError):
                    self._last = None  # no reason to disturb a conversation
            return self._last
