"""Who hears events: any number of independent readers, and handlers with a queue each."""

from __future__ import annotations

import asyncio
import inspect
import logging
import weakref
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from akool_async.concurrency import EXITS, Waiter, own_cancellation, running_user_code
from akool_async.conversation.blocking import StepTimer, name_of
from akool_async.errors import InvalidParameterError
from akool_async.events import Disconnected, Event, EventsLost, HandlerFailed
from akool_async.misuse import refused
from akool_async.validation import whole

__all__ = ["EventBus", "EventReader", "check_kind"]

logger = logging.getLogger("akool_async.conversation")

E = TypeVar("E", bound=Event)
Handler = Callable[[E], Awaitable[object] | object]


class EventReader(Generic[E]):
    """One reader's events, oldest first; `async for` ends after `Disconnected`.

    A reader of all kinds, or of `EventsLost`, is given an `EventsLost` where events are missing; a
    reader of other kinds has `lost`, and a warning is logged. Not for two tasks at once. Leaving
    the loop and dropping the reader is enough; `close()` or `async with` stop collecting at once.

    Attributes:
        lost: how many events this reader lost because it was too slow.
    """

    def __init__(
        self, kinds: tuple[type[Event], ...], limit: int, on_lost: Callable[[], None]
    ) -> None:
        self._kinds = kinds
        self._limit = limit
        self._on_lost = on_lost
        self._waiting: deque[Event] = deque()
        self.lost = 0
        self._gap = 0
        self._shows_gaps = not kinds or any(issubclass(EventsLost, kind) for kind in kinds)
        self._ended = False
        self._change = Waiter("this reader is already awaited; make another with events()")

    def __aiter__(self) -> Self:
        return self

    if not TYPE_CHECKING:
        __iter__ = refused("events are asynchronous: write `async for event in avatar.events()`")

    async def __anext__(self) -> E:
        while True:
            if (event := self.take()) is not None:
                return cast("E", event)  # by `put`
            if self._ended:
                raise StopAsyncIteration
            await self._change.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    def take(self) -> Event | None:
        """The next event, if there is one already."""
        if self._gap:
            count, self._gap = self._gap, 0
            if self._shows_gaps:
                return EventsLost(count)
            logger.warning("a reader of events is too slow and lost %d events", count)
        return self._waiting.popleft() if self._waiting else None

    @property
    def crowded(self) -> bool:
        """Whether its queue is half full."""
        return 2 * len(self._waiting) >= self._limit

    def close(self) -> None:
        """Collects nothing more; what waits can still be read."""
        self._ended = True
        self._change.wake()

    def put(self, event: Event) -> None:
        """Takes an event, if it is of a kind this reader asked for."""
        if self._ended or (self._kinds and not isinstance(event, self._kinds)):
            if isinstance(event, Disconnected):
                self.close()
            return
        if len(self._waiting) >= self._limit:
            self._waiting.popleft()
            self.lost += 1
            self._gap += 1
            self._on_lost()
        self._waiting.append(event)
        if isinstance(event, Disconnected):
            self._ended = True
        self._change.wake()


class _Handling:
    """One handler given to `on()`.

    Events are handed to it one after the other. One that is known to be asynchronous runs in a task
    that lives while there are events for it; any other is called at once, and what turns out to
    return an awaitable is asynchronous from then on.
    """

    def __init__(
        self,
        kind: type[Event],
        function: Handler[Any],
        reader: EventReader[Event],
        fail: Callable[[BaseException, object, Event], None],
    ) -> None:
        self._kind = kind
        self._function = function
        self._async = _is_async(function)
        self._timer = StepTimer(f"the handler {name_of(function)}")
        self.reader = reader
        self._fail = fail
        #: What its first call returned, and for which event.
        self._first: tuple[Awaitable[object], Event] | None = None
        self._running = False
        self._task: asyncio.Task[None] | None = None

    def put(self, event: Event) -> None:
        if not isinstance(event, self._kind):
            return
        if self._async:
            self.reader.put(event)
        else:
            try:
                with self._timer.step():
                    result = self._function(event)
            except EXITS:
                raise
            except BaseException as error:  # noqa: BLE001 - reported
                # A user's handler must not end the reader it is called by, whatever it raises.
                self._fail(error, self._function, event)
                return
            if not inspect.isawaitable(result):
                return
            self._async = True
            self._first = (result, event)
        if not self._running:
            # Set here: a task of an eager factory begins before `create_task` returns.
            self._running = True
            self._task = asyncio.create_task(self._run(), name="akool-event-handler")

    async def _run(self) -> None:
        try:
            with running_user_code():
                if self._first is not None:
                    (result, event), self._first = self._first, None
                    await self._handle(result, event)
                while (next_event := self.reader.take()) is not None:
                    await self._handle(None, next_event)
        finally:
            self._running = False

    async def _handle(self, result: Awaitable[object] | None, event: Event) -> None:
        try:
            if result is None:
                with self._timer.step():
                    returned = self._function(event)
                if not inspect.isawaitable(returned):
                    return
                result = returned
            await self._timer.timed(result)
        except EXITS:
            raise
        except BaseException as error:
            if own_cancellation(error):
                raise
            self._fail(error, self._function, event)  # also a cancellation of what it awaited

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether this is its task."""
        return task is not None and task is self._task

    async def stop(self, *, timeout: float) -> None:
        """Lets a running handler finish for `timeout` seconds, then cancels it."""
        task = self._task
        if task is None:
            return
        await asyncio.wait([task], timeout=timeout)
        task.cancel()
        await asyncio.wait([task])


def _is_async(function: object) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004 - its own, if it is an object
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


class EventBus:
    """Hands every event to every reader and handler; `publish` never blocks and never raises."""

    def __init__(
        self,
        *,
        reader_limit: int,
        handler_limit: int,
        on_error: Callable[[BaseException], None] | None = None,
        log: Callable[[Event], None] | None = None,
    ) -> None:
        self._reader_limit = reader_limit
        self._handler_limit = handler_limit
        self._on_error = on_error
        self._log = log
        self._readers: list[weakref.ref[EventReader[Any]]] = []
        self._handlers: list[_Handling] = []
        self._last: Disconnected | None = None
        self.lost = 0

    def reader(
        self, kinds: tuple[type[E], ...] = (), *, limit: int | None = None
    ) -> EventReader[E]:
        """A new reader of events from now on; of these kinds only, where any are given.

        Raises:
            InvalidParameterError: `limit` is no whole number from 1 on, or one of `kinds` isn't a
                class of events.
        """
        if limit is not None:
            limit = whole("max_waiting", limit, 1)
        for kind in kinds:
            check_kind(kind)
        reader: EventReader[E] = EventReader(kinds, limit or self._reader_limit, self._count_lost)
        if self._last is not None:
            reader.put(self._last)
        else:
            self._readers.append(weakref.ref(reader, self._readers.remove))
        return reader

    def on(self, kind: type[E], function: Handler[E]) -> None:
        """Calls `function` with every event of `kind`."""
        check_kind(kind)
        if not callable(function):
            raise InvalidParameterError("handler", f"{function!r} can't be called")
        reader: EventReader[Event] = EventReader((kind,), self._handler_limit, self._count_lost)
        self._handlers.append(_Handling(kind, function, reader, self._failed))

    def publish(self, event: Event) -> None:
        """Calls every listener."""
        if self._last is not None:
            return
        if isinstance(event, Disconnected):
            self._last = event
        if self._log is not None:
            self._log(event)
        self._hand_out(event)

    def _hand_out(self, event: Event) -> None:
        for reader in self._alive():
            reader.put(event)
        for handler in tuple(self._handlers):
            handler.put(event)

    def _alive(self) -> list[EventReader[Any]]:
        return [reader for one in self._readers if (reader := one()) is not None]

    @property
    def crowded(self) -> bool:
        """Whether the queue of a reader or handler is half full."""
        return any(reader.crowded for reader in self._alive()) or any(
            handler.reader.crowded for handler in self._handlers
        )

    def report(self, error: BaseException, where: str) -> None:
        """Reports an exception in the user's code: `HandlerFailed`, the log, `on_error`."""
        logger.error("%s raised %s", where, type(error).__name__, exc_info=error)
        self._hand_out(HandlerFailed(error, where))
        if self._on_error is not None:
            try:
                self._on_error(error)
            except (Exception, asyncio.CancelledError):
                logger.exception("on_error raised")

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether a task is a handler's."""
        return any(handler.runs(task) for handler in self._handlers)

    async def stop(self, *, timeout: float) -> None:
        """Ends every handler's task."""
        await asyncio.gather(*(handler.stop(timeout=timeout) for handler in self._handlers))

    def _failed(self, error: BaseException, function: object, event: Event) -> None:
        where = f"the handler {name_of(function)}"
        if isinstance(event, HandlerFailed):  # a failing handler of failures must not loop
            logger.error("%s raised %s", where, type(error).__name__, exc_info=error)
            return
        self.report(error, where)

    def _count_lost(self) -> None:
        self.lost += 1


def check_kind(kind: object) -> None:
    """Refuses what isn't a class of events.

    Raises:
        InvalidParameterError: says what to write.
    """
    if not isinstance(kind, type) and callable(kind):
        raise InvalidParameterError(
            "event",
            f"{name_of(kind)} is a function: name the kind of event, for example "
            "@avatar.on(events.UserSpoke), or events.Event for all",
        )
    if not (isinstance(kind, type) and issubclass(kind, Event)):
        raise InvalidParameterError(
            "event", f"{kind!r} isn't a kind of event, as events.UserSpoke is"
        )
