"""Waiting with a limit: for the fleet's server, for events, for a task's end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from redis.backoff import FullJitterBackoff
from redis.exceptions import RedisError

from akool_fleet.errors import FleetError

__all__ = ["cancelled", "insist", "pass_on_cancellation", "until", "until_set"]

logger = logging.getLogger("akool_fleet")

T = TypeVar("T")

#: Seconds that a try to write something down may be repeated while the server is away.
_INSIST: Final = 120.0


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """Repeats a call that the server has to get, while it can't be reached.

    Raises:
        FleetError: it couldn't be for two minutes.
    """
    end = time.monotonic() + _INSIST
    backoff, tries = FullJitterBackoff(cap=1.0, base=0.1), 0
    while True:
        try:
            return await call()
        except (RedisError, OSError) as error:
            tries += 1
            pause = backoff.compute(tries)
            if time.monotonic() + pause > end:
                raise FleetError(
                    f"the fleet's server can't be reached for {_INSIST:g} s: {type(error).__name__}"
                ) from error
            await asyncio.sleep(pause)


async def until_set(event: asyncio.Event, *, timeout: float) -> None:
    """Waits until the event is set, at most `timeout` seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            await event.wait()


async def until(
    task: asyncio.Task[T], *events: asyncio.Event, timeout: float | None = None
) -> asyncio.Task[T] | None:
    """Waits for the task, for one of the events, or for `timeout` seconds; `None`: the task isn't
    over. It is cancelled if the caller is.
    """
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait([task, *waiting], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    except BaseException:
        await cancelled(task)
        raise
    finally:
        for one in waiting:
            one.cancel()
        if waiting:
            await asyncio.wait(waiting)
    return task if task.done() else None


async def cancelled(task: asyncio.Task[Any], *, timeout: float | None = None) -> bool:
    """Cancels a task and waits for its end, at most `timeout` seconds; whether it is over."""
    task.cancel()
    await asyncio.wait([task], timeout=timeout)
    if task.done() and not task.cancelled() and (error := task.exception()) is not None:
        logger.warning("a job that was being ended raised %s", type(error).__name__)
    return task.done()


def pass_on_cancellation() -> None:
    """Raises the running task's cancellation: the server's client loses one that comes together
    with an answer.
    """
    if (task := asyncio.current_task()) is not None and task.cancelling():
        raise asyncio.CancelledError
