from __future__ import annotations

import asyncio
import functools
import gc
from collections.abc import Callable
from unittest.mock import AsyncMock

import pytest

from akool_async.conversation.event_bus import EventBus
from akool_async.errors import InvalidParameterError
from akool_async.events import (
    Disconnected,
    Event,
    EventsLost,
    HandlerFailed,
    SessionEnding,
    TokenExpiring,
    UserSpoke,
)


def hub(**options) -> EventBus:
    return EventBus(**{"reader_limit": 3, "handler_limit": 3, **options})


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def read(reader) -> list[Event]:
    return [event async for event in reader]


async def test_readers_are_independent_and_end_after_disconnected():
    events = hub()
    one, two = events.reader(), events.reader((TokenExpiring,))
    events.publish(SessionEnding(1.0))
    three = events.reader()
    events.publish(TokenExpiring(2.0))
    events.publish(Disconnected("closed"))
    events.publish(SessionEnding(3.0))
    assert await read(one) == [SessionEnding(1.0), TokenExpiring(2.0), Disconnected("closed")]
    assert await read(two) == [TokenExpiring(2.0)]
    assert await read(three) == [TokenExpiring(2.0), Disconnected("closed")]
    assert await read(events.reader()) == [Disconnected("closed")]


async def test_a_slow_reader_loses_the_oldest_and_is_reported_how_many():
    events = hub()
    slow, roomy = events.reader(), events.reader(limit=10)
    for number in range(5):
        events.publish(SessionEnding(number))
    assert await anext(slow) == EventsLost(2)
    assert [(await anext(slow)).seconds_left for _ in range(3)] == [2, 3, 4]
    assert [(await anext(roomy)).seconds_left for _ in range(5)] == [0, 1, 2, 3, 4]
    assert events.lost == 2


async def test_a_reader_waits_can_be_cancelled_and_closed():
    events = hub()
    async with events.reader() as reader:
        waiting = asyncio.create_task(anext(reader))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="already awaited"):
            await anext(reader)
        waiting.cancel()
        await asyncio.wait([waiting])
        events.publish(SessionEnding(1))
        assert await anext(reader) == SessionEnding(1)
    events.publish(SessionEnding(2))
    assert await read(reader) == []


async def test_a_reader_that_is_dropped_collects_no_more():
    events = hub()
    for _ in range(100):
        events.reader()
    gc.collect()
    assert len(events._readers) == 0


async def test_plain_handlers_are_called_at_once_and_async_ones_in_order():
    events = hub(handler_limit=10)
    plain, slow = [], []

    async def on_slow(event: Event) -> None:
        await asyncio.sleep(0)
        slow.append(event)

    events.on(SessionEnding, plain.append)
    events.on(Event, on_slow)
    for number in range(3):
        events.publish(SessionEnding(number))
    events.publish(TokenExpiring(1.0))
    assert [event.seconds_left for event in plain] == [0, 1, 2]
    async with asyncio.timeout(5):
        while len(slow) < 4:
            await asyncio.sleep(0)
    assert slow == [*plain, TokenExpiring(1.0)]
    await events.stop(timeout=1)


async def test_what_handlers_raise_is_reported_and_the_others_go_on():
    reported, errors, heard = [], [], []
    events = hub(on_error=errors.append)

    def bad(event: Event) -> None:
        raise ValueError("plain")

    def worse(event: Event) -> None:
        raise asyncio.CancelledError

    async def bad_too(event: Event) -> None:
        raise ValueError("async")

    for handler in (bad, worse, bad_too, heard.append):
        events.on(UserSpoke, handler)
    events.on(HandlerFailed, lambda event: reported.append(event.where))
    events.publish(UserSpoke("hello", "m"))
    await events.stop(timeout=1)
    assert heard == [UserSpoke("hello", "m")]
    assert [type(error).__name__ for error in errors] == [
        "ValueError",
        "CancelledError",
        "ValueError",
    ]
    assert [where.split(".")[-1] for where in reported] == ["bad", "worse", "bad_too"]


class StopEverything(BaseException):
    """As test frameworks have it, so that no `except Exception` takes it."""


async def test_what_is_no_exception_is_reported_too_and_later_events_come():
    seen, errors = [], []
    events = hub(on_error=errors.append)

    def plain(event: Event) -> None:
        seen.append(event)
        raise StopEverything

    async def bad(event: Event) -> None:
        seen.append(event)
        raise StopEverything

    events.on(SessionEnding, plain)
    events.on(SessionEnding, bad)
    for number in range(2):
        events.publish(SessionEnding(number))
    await events.stop(timeout=1)
    assert seen.count(SessionEnding(0)) == seen.count(SessionEnding(1)) == 2
    assert [type(error) for error in errors] == [StopEverything] * 4


@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
async def test_failing_handlers_of_failures_end_there(error):
    def on_error(failure: BaseException) -> None:
        raise error

    events = hub(on_error=on_error)

    def bad(event: Event) -> None:
        raise ValueError("again")

    events.on(Event, bad)
    events.publish(SessionEnding(1))  # does neither raise nor recurse


class Callback:
    def __init__(self) -> None:
        self.seen: list[float] = []

    async def __call__(self, event: SessionEnding) -> None:
        await asyncio.sleep(0)
        self.seen.append(event.seconds_left)

    async def method(self, event: SessionEnding) -> None:
        await self(event)


def decorated(function):
    @functools.wraps(function)
    def call(*args):
        return function(*args)

    return call


def plain_lambda(callback):
    return lambda event: callback(event)  # noqa: PLW0108 - what it is about


@pytest.mark.parametrize(
    "wrap",
    [
        lambda callback: callback,
        lambda callback: callback.method,
        lambda callback: functools.partial(callback.method),
        functools.partial,
        decorated,
        lambda callback: AsyncMock(side_effect=callback.method),
        plain_lambda,
    ],
    ids=["object", "method", "partial", "partial object", "decorated", "AsyncMock", "lambda"],
)
async def test_a_handler_is_awaited_whatever_it_is(wrap):
    failed, callback = [], Callback()
    events = hub(on_error=failed.append)
    events.on(SessionEnding, wrap(callback))
    for number in range(3):
        events.publish(SessionEnding(number))
    await until(lambda: len(callback.seen) == 3)
    assert callback.seen == [0, 1, 2]
    assert failed == []


async def test_a_cancelled_error_of_the_handlers_own_is_a_failure():
    failed, seen = [], []
    events = hub(on_error=failed.append)

    async def handle(event: SessionEnding) -> None:
        seen.append(event.seconds_left)
        if event.seconds_left == 0:
            task = asyncio.ensure_future(asyncio.sleep(9))
            asyncio.get_running_loop().call_soon(task.cancel)
            await task

    events.on(SessionEnding, handle)
    for number in range(3):
        events.publish(SessionEnding(number))
    await until(lambda: len(seen) == 3)
    assert [type(error) for error in failed] == [asyncio.CancelledError]


async def test_a_reader_of_one_kind_gets_no_other():
    events = hub()
    reader = events.reader((SessionEnding,))
    for number in range(5):
        events.publish(SessionEnding(number))
    assert [(await anext(reader)).seconds_left for _ in range(3)] == [2, 3, 4]
    assert reader.lost == 2


async def test_what_is_no_kind_of_event_is_refused():
    with pytest.raises(InvalidParameterError, match="isn't a kind of event"):
        hub().reader((str,))


async def test_a_handler_in_progress_is_ended_on_closing():
    events = hub()
    ended = []

    async def endless(event: Event) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    events.on(SessionEnding, endless)
    events.publish(SessionEnding(1))
    await asyncio.sleep(0)
    await events.stop(timeout=0.01)
    assert ended == [True]


async def test_wrong_kinds_limits_and_handlers_are_refused():
    for call in (
        lambda: hub().on(int, print),
        lambda: hub().on(SessionEnding, None),
        lambda: hub().reader(limit=0),
        lambda: hub().reader(limit="5"),
    ):
        with pytest.raises(InvalidParameterError):
            call()


async def test_on_decorates_and_hears_the_session(scene, echo):
    async with scene() as s:
        echo(s.robot)
        heard = []

        @s.session.on(Event)
        def hear(event: Event) -> None:
            heard.append(type(event).__name__)

        await s.session.ask("Hi")
        assert heard == ["ReplyStarted", "ReplyDelta", "ReplyDelta", "ReplyDone"]
        assert callable(hear)
