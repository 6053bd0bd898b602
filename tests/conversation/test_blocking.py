import asyncio
import logging

import pytest

from akool_async.conversation.blocking import LIMIT, StepTimer, name_of


class Clock:
    """Goes on by what a step says it takes."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def warnings(caplog):
    caplog.set_level(logging.WARNING, "akool_async.conversation")
    return lambda: [record.getMessage() for record in caplog.records]


async def test_each_step_is_timed_by_itself(clock, warnings):
    async def many_short_ones():
        for _ in range(10):
            clock.now += LIMIT * 0.9
            await asyncio.sleep(0)
        return "done"

    assert await StepTimer("the handler f", clock=clock).timed(many_short_ones()) == "done"
    assert not warnings()


async def test_a_long_step_is_reported_once_with_its_name(clock, warnings):
    timer = StepTimer("the handler f", clock=clock)
    for _ in range(3):
        with timer.step():
            clock.now += 2.0
    (text,) = warnings()
    assert text.startswith("the handler f held the event loop up for 2.0 s")


async def test_the_step_that_raises_is_timed_and_its_error_passed_on(clock, warnings):
    async def fails():
        await asyncio.sleep(0)
        clock.now += 1.0
        raise KeyError("x")

    with pytest.raises(KeyError):
        await StepTimer("f", clock=clock).timed(fails())
    assert warnings()


async def test_a_cancellation_reaches_the_code_which_may_go_on(clock):
    seen = []

    async def stubborn():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
        await asyncio.sleep(0)
        return "went on"

    task = asyncio.ensure_future(StepTimer("f", clock=clock).timed(stubborn()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "went on"
    assert seen == ["cancelled"]


async def test_what_is_dropped_is_closed(clock):
    seen = []

    async def waits():
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("closed")

    steps = StepTimer("f", clock=clock).timed(waits()).__await__()
    next(steps)
    steps.close()
    assert seen == ["closed"]


async def test_a_future_and_an_iterator_without_send_can_be_awaited(clock):
    class Plain:
        def __await__(self):
            return iter([None, None])

    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, 5)
    timer = StepTimer("f", clock=clock)
    assert await timer.timed(future) == 5
    assert await timer.timed(Plain()) is None


def test_names():
    class Model:
        def __call__(self):
            return None

        def __repr__(self):
            return "Model()"

    assert name_of(test_names) == "test_names"
    assert name_of(Model()) == "Model()"
