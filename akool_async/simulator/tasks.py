"""Tasks of one owner in the simulator: one that fails is logged, and all end with the owner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["Tasks"]

logger = logging.getLogger(__name__)


class Tasks:
    """Whoever makes one stops it. `failed`: called with the error of each task that failed."""

    def __init__(self, failed: Callable[[Exception], None] | None = None) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed = failed

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Starts a task."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Cancels all and waits for their end; twice is fine."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            logger.error("%s failed", task.get_name(), exc_info=error)
            if self._failed is not None:
                self._failed(error)
