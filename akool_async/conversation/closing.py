"""Closing that is bounded in time and that cancelling doesn't stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["finish"]

logger = logging.getLogger("akool_async.conversation")

T = TypeVar("T")


async def finish(work: Coroutine[Any, Any, T], *, timeout: float | None, name: str) -> T:
    """Runs `work` to its end even if the task that waits is cancelled, any number of times.

    After `timeout` seconds `work` itself is cancelled, and `TimeoutError` raised. Cancellation is
    passed on when `work` is over; `asyncio.CancelledError` then comes in place of its result.
    """
    task = asyncio.get_running_loop().create_task(work, name=name)
    loop = asyncio.get_running_loop()
    timer = loop.call_later(timeout, task.cancel) if timeout is not None else None
    cancelled: asyncio.CancelledError | None = None
    try:
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancelled = error
    finally:
        if timer is not None:
            timer.cancel()
    if cancelled is not None:
        if not task.cancelled() and (failure := task.exception()) is not None:
            logger.warning("%s failed: %s", name, failure)
        raise cancelled
    if task.cancelled():
        raise TimeoutError(f"{name} took longer than {timeout:g} s")
    return task.result()
