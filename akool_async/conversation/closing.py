"""Closing a conversation: what waits, its tasks, the room, and the session at the service."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from akool_async.concurrency import unlisted_task
from akool_async.conversation.event_bus import EventBus
from akool_async.conversation.meter import Meter
from akool_async.conversation.options import ConversationOptions, ConversationStats, SessionInfo
from akool_async.errors import ConversationClosedError, SessionLeftOpenError

__all__ = ["Closable", "shut"]

logger = logging.getLogger("akool_async.conversation")

#: Seconds that leaving the room may take before the session is closed all the same. A session's
#: end closes its room, and a client that is removed while it leaves complains in its log.
_LEAVE_FIRST: Final = 0.5


class Closable(Protocol):
    """What closing needs of a conversation."""

    @property
    def options(self) -> ConversationOptions:
        """The limits in use."""
        ...

    @property
    def info(self) -> SessionInfo:
        """What is known about the session."""
        ...

    @property
    def events(self) -> EventBus:
        """Its handlers are given a moment to finish."""
        ...

    @property
    def meter(self) -> Meter:
        """What is measured."""
        ...

    @property
    def error(self) -> BaseException | None:
        """What ended it."""
        ...

    def stats(self) -> ConversationStats:
        """What was counted."""
        ...

    def connection_lost(self, error: BaseException) -> None:
        """Everything that waits fails with this error."""

    async def stop(self) -> None:
        """Ends the tasks."""

    async def leave(self, timeout: float) -> None:
        """Leaves the room."""


async def shut(conversation: Closable, close: Callable[[], Awaitable[object]] | None) -> None:
    """Ends a conversation.

    Everything ends at once, because each part may take its time; only the session waits a moment
    until the room was left. What fails, or takes longer than `close_timeout`, is logged. `close`,
    which closes the session, should keep to `session_close_timeout` by itself.

    Raises:
        SessionLeftOpenError: `close` raised it, or took far longer than it may.
        SystemExit, KeyboardInterrupt: raised by a handler of the last event.
    """
    try:
        with conversation.meter.measured("close"):
            await _shut(conversation, close)
    finally:
        # Whatever else ended it; closing it is no error.
        error = conversation.error
        closed = error is None or isinstance(error, ConversationClosedError)
        conversation.meter.end(conversation.stats(), "" if closed else type(error).__name__)


async def _shut(conversation: Closable, close: Callable[[], Awaitable[object]] | None) -> None:
    limit = conversation.options.close_timeout
    start = unlisted_task
    tasks = {
        "ending the tasks": start(conversation.stop()),
        "ending the handlers": start(conversation.events.stop(timeout=min(1.0, limit))),
        "leaving the room": start(conversation.leave(timeout=limit)),
    }
    leaving = tasks["leaving the room"]
    closing = start(_behind(leaving, min(_LEAVE_FIRST, limit / 4), close)) if close else None
    exiting: BaseException | None = None
    try:
        # The tasks are there before any handler of the user's runs: it may raise SystemExit.
        conversation.connection_lost(ConversationClosedError("the conversation was closed"))
    except BaseException as exit_:  # noqa: BLE001 - raised at the end
        exiting = exit_
    _, late = await asyncio.wait(tasks.values(), timeout=limit)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=1.0)
    for name, task in tasks.items():
        if task in late:
            logger.warning("%s took longer than %g s", name, limit)
        elif not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("%s failed: %s", name, error)
    if closing is not None:
        # It may have waited for others to be closed. Three times is for what never ends.
        longest = 3 * (conversation.options.session_close_timeout or 60.0) + 5
        if not (await asyncio.wait([closing], timeout=longest))[0]:
            closing.cancel()
            raise _left_open(conversation.info.session_id, longest)
        await closing
    if exiting is not None:
        raise exiting


async def _behind(
    leaving: asyncio.Future[None], moment: float, close: Callable[[], Awaitable[object]]
) -> None:
    """Closes the session once the room was left, or after `moment` seconds: it costs by the time
    it is open.
    """
    await asyncio.wait([leaving], timeout=moment)
    await close()


def _left_open(session_id: str | None, seconds: float) -> SessionLeftOpenError:
    name = session_id or "of unknown id"
    error = SessionLeftOpenError(
        f"The session {name} may still be open, and cost credits: closing it took longer than "
        f"{seconds:g} s",
        session_ids=(session_id,) if session_id else (),
    )
    logger.error("%s", error)
    return error
