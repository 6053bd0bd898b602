"""Closing that is bounded in time and that cancelling doesn't stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar

from akool_async.errors import ConversationClosedError

if TYPE_CHECKING:
    from akool_async.conversation.line import Line

__all__ = ["finish", "shut"]

logger = logging.getLogger("akool_async.conversation")

T = TypeVar("T")

#: Seconds that leaving the room may take before the session is closed all the same. A session's
#: end closes its room, and a client that is being thrown out while it leaves complains in its log.
_LEAVE_FIRST: Final = 0.5


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


async def shut(line: Line, close: Callable[[], Awaitable[object]] | None) -> None:
    """Ends a conversation: what waits, its tasks, the room, and the session by `close`.

    Within `close_timeout` seconds, and all at once, because each may take its time; only the
    session waits a moment for the room's being left. What fails or takes longer is told in the
    log: closing is the last that can be done.
    """
    patience = line.options.close_timeout
    line.fail(ConversationClosedError("the conversation was closed"))
    start = asyncio.ensure_future
    spare = line.closing_task
    tasks: dict[str, asyncio.Future[None]] = {
        "ending the tasks": start(line.stop()),
        "ending the handlers": start(line.hub.stop(patience=min(1.0, patience), spare=spare)),
        "leaving the room": start(line.transport.close(timeout=patience)),
    }
    if close is not None:
        moment = min(_LEAVE_FIRST, patience / 4)
        tasks["closing the session"] = start(_behind(tasks["leaving the room"], moment, close))
    _, late = await asyncio.wait(tasks.values(), timeout=patience)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=1.0)
    for name, task in tasks.items():
        if task in late:
            logger.warning("%s took longer than %g s", name, patience)
        elif not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("%s failed: %s", name, error)


async def _behind(
    leaving: asyncio.Future[None], moment: float, close: Callable[[], Awaitable[object]]
) -> None:
    """Closes the session once the room was left, or after `moment` seconds: it costs by the time
    it is open.
    """
    await asyncio.wait([leaving], timeout=moment)
    await close()
