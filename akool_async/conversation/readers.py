"""Who hears events: any number of independent readers, and handlers with a queue each."""

from __future__ import annotations

import asyncio
import inspect
import logging
import weakref
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from akool_async.conversation.events import Disconnected, Event, EventsLost, HandlerFailed
from akool_async.errors import InvalidParameterError

__all__ = ["EventHub", "EventReader"]

logger = logging.getLogger("akool_async.conversation")

E = TypeVar("E", bound=Event)
Handler = Callable[[E], Awaitable[object] | object]


class EventReader:
    """One reader's events, oldest first; `async for` ends after `Disconnected`.

    Not for two tasks at once. Leaving the loop and dropping the reader is enough; `close()` or
    `async with` stop collecting at once.
    """

    def __init__(self, kinds: tuple[type[Event], ...], limit: int, lost: Callable[[], None]):
        self._kinds = kinds
        self._limit = limit
        self._tell_lost = lost
        self._waiting: deque[Event] = deque()
        self._lost = 0
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None

    def __aiter__(self) -> EventReader:
        return self

    async def __anext__(self) -> Event:
        while True:
            if self._lost:
                count, self._lost = self._lost, 0
                return EventsLost(count)
            if self._waiting:
                return self._waiting.popleft()
            if self._ended:
                raise StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("this reader is already awaited; make another with events()")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Collects nothing more; what waits can still be read."""
        self._ended = True
        self._wake()

    def put(self, event: Event) -> None:
        """Takes an event, if it is of a kind this reader asked for."""
        if self._ended or (self._kinds and not isinstance(event, self._kinds)):
            if isinstance(event, Disconnected):
                self.close()
            return
        if len(self._waiting) >= self._limit:
            self._waiting.popleft()
            self._lost += 1
            self._tell_lost()
        self._waiting.append(event)
        if isinstance(event, Disconnected):
            self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _Handling:
    """One handler given to `on()`. A coroutine function gets its events one after the other, in
    a task of its own that lives while there are any; a plain function is called at once.
    """

    __slots__ = ("_async", "_fail", "_function", "_kind", "_reader", "_task")

    def __init__(
        self,
        kind: type[Event],
        function: Handler[Any],
        reader: EventReader,
        fail: Callable[..., None],
    ) -> None:
        self._kind = kind
        self._function = function
        self._async: Callable[[Any], Awaitable[object]] | None = (
            function if inspect.iscoroutinefunction(function) else None
        )
        self._reader = reader
        self._fail = fail
        self._task: asyncio.Task[None] | None = None

    def put(self, event: Event) -> None:
        if not isinstance(event, self._kind):
            return
        if self._async is None:
            try:
                result = self._function(event)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - told
                # A user's handler must not end the reader it is called by, whatever it raises.
                self._fail(error, self._function, event)
                return
            if not inspect.isawaitable(result):
                return
            if inspect.iscoroutine(result):
                result.close()
            self._fail(
                TypeError("a handler that returns an awaitable must be an `async def`"),
                self._function,
                event,
            )
            return
        self._reader.put(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="akool-event-handler")

    async def _run(self) -> None:
        assert self._async is not None
        while self._reader._waiting or self._reader._lost:  # noqa: SLF001 - its own reader
            event = await anext(self._reader)
            if isinstance(event, EventsLost):
                logger.warning("an event handler is too slow and lost %d events", event.count)
                continue
            try:
                await self._async(event)
            except Exception as error:  # noqa: BLE001 - a user's handler; told, never swallowed
                self._fail(error, self._function, event)

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether this is its task."""
        return task is not None and task is self._task

    async def stop(self, *, patience: float) -> None:
        """Lets a running handler finish for `patience` seconds, then cancels it."""
        task = self._task
        if task is None:
            return
        await asyncio.wait([task], timeout=patience)
        task.cancel()
        await asyncio.wait([task])


class EventHub:
    """Hands every event to every reader and handler; `publish` never blocks and never raises."""

    def __init__(
        self,
        *,
        reader_limit: int,
        handler_limit: int,
        on_error: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._reader_limit = reader_limit
        self._handler_limit = handler_limit
        self._on_error = on_error
        self._readers: weakref.WeakSet[EventReader] | None = None
        self._handlers: list[_Handling] = []
        self._last: Disconnected | None = None
        self.lost = 0

    def reader(
        self, kinds: tuple[type[Event], ...] = (), *, limit: int | None = None
    ) -> EventReader:
        """A new reader of events from now on; of these kinds only, where any are given."""
        if limit is not None and limit < 1:
            raise InvalidParameterError("max_waiting", f"{limit} is less than 1")
        reader = EventReader(kinds, limit or self._reader_limit, self._count_lost)
        if self._last is not None:
            reader.put(self._last)
        else:
            if self._readers is None:
                self._readers = weakref.WeakSet()
            self._readers.add(reader)
        return reader

    def on(self, kind: type[E], function: Handler[E]) -> None:
        """Calls `function` with every event of `kind`."""
        if not (isinstance(kind, type) and issubclass(kind, Event)):
            raise InvalidParameterError("event", f"{kind!r} isn't a kind of event")
        if not callable(function):
            raise InvalidParameterError("handler", f"{function!r} can't be called")
        reader = EventReader((), self._handler_limit, self._count_lost)
        self._handlers.append(_Handling(kind, function, reader, self._failed))

    def publish(self, event: Event) -> None:
        """Tells everybody."""
        if self._last is not None:
            return
        if isinstance(event, Disconnected):
            self._last = event
        for reader in list(self._readers or ()):
            reader.put(event)
        for handler in tuple(self._handlers):
            handler.put(event)

    def report(self, error: BaseException, where: str) -> None:
        """Tells of an exception in the user's code: `HandlerFailed`, the log, `on_error`."""
        logger.error("%s raised %s", where, type(error).__name__, exc_info=error)
        failed = HandlerFailed(error, where)
        for reader in list(self._readers or ()):
            reader.put(failed)
        for handler in tuple(self._handlers):
            handler.put(failed)
        if self._on_error is not None:
            try:
                self._on_error(error)
            except Exception:
                logger.exception("on_error raised")

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether a task is a handler's."""
        return any(handler.runs(task) for handler in self._handlers)

    async def stop(self, *, patience: float) -> None:
        """Ends every handler's task."""
        await asyncio.gather(*(handler.stop(patience=patience) for handler in self._handlers))

    def _failed(self, error: BaseException, function: object, event: Event) -> None:
        where = f"the handler {getattr(function, '__qualname__', repr(function))}"
        if isinstance(event, HandlerFailed):  # a failing handler of failures must not loop
            logger.error("%s raised %s", where, type(error).__name__, exc_info=error)
            return
        self.report(error, where)

    def _count_lost(self) -> None:
        self.lost += 1
