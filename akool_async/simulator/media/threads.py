"""Threads for drawing, encoding, and a user's own voice and ears."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

__all__ = ["MediaThreads"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_MOST: Final = 3
#: Seconds that a user's function which is still running has when the simulator stops.
_CLOSE_LIMIT: Final = 10.0


class MediaThreads:
    """A few threads, started when they are needed first. `close` joins them."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False

    def submit(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        """Runs it in a thread.

        Raises:
            RuntimeError: the simulator has stopped.
        """
        if self._closed:
            raise RuntimeError("the simulator has stopped")
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_MOST, thread_name_prefix="simulator-media")
        return self._pool.submit(work, *arguments)

    async def call(self, function: Callable[[Any], Any], argument: object) -> Any:
        """What a user's function gives: a plain one runs in a thread, an async one here."""
        if inspect.iscoroutinefunction(function):
            return await function(argument)
        found = await asyncio.wrap_future(self.submit(function, argument))
        return await found if inspect.isawaitable(found) else found

    async def close(self) -> None:
        """Joins the threads; one that doesn't end in time is left to itself, and logged."""
        self._closed = True
        pool, self._pool = self._pool, None
        if pool is None:
            return
        pool.shutdown(wait=False, cancel_futures=True)
        try:
            async with asyncio.timeout(_CLOSE_LIMIT):
                await asyncio.to_thread(pool.shutdown)
        except TimeoutError:
            logger.warning("a voice or listen function is still running")
