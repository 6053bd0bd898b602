"""Waiting for a status by asking again."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from akool_async.errors import WaitTimeoutError
from akool_async.validation import number

__all__ = ["Progress", "poll"]

T = TypeVar("T")

#: Pauses grow by this factor, up to so many times the first one.
_GROWTH: Final = 1.5
_MOST: Final = 10.0

#: Called with each answer while waiting; plain or async.
Progress = Callable[[T], Awaitable[Any] | Any]


async def poll(
    what: str,
    ask: Callable[[], Awaitable[T]],
    *,
    done: Callable[[T], bool],
    status: Callable[[T], int | None],
    timeout: float,
    interval: float,
    on_progress: Progress[T] | None,
) -> T:
    """Asks until `done` says yes.

    Args:
        what: for the error's text, "avatar 66…".
        ask: one question; its errors end the waiting.
        done: whether this answer is the one waited for; raises where it can no longer come.
        status: of an answer, for the error.
        timeout: seconds in all.
        interval: seconds between the first answer and the second question; pauses grow up to ten
            times that.
        on_progress: called with every answer, the last one included.

    Raises:
        WaitTimeoutError: not done in time.
    """
    number("timeout", timeout, 0.001, 86_400.0)
    number("interval", interval, 0.01, 3600.0)
    last: int | None = None
    pause = interval
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            while True:
                answer = await ask()
                last = status(answer)
                if on_progress is not None:
                    result = on_progress(answer)
                    if inspect.isawaitable(result):
                        await result
                if done(answer):
                    return answer
                await asyncio.sleep(pause)
                pause = min(pause * _GROWTH, interval * _MOST)
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise WaitTimeoutError(
            f"{what} wasn't ready within {timeout:g} s (last status: {last})", status=last
        ) from error
