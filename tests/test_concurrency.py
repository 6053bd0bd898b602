from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import anyio
import pytest

from akool_async.concurrency import (
    Backoff,
    Flag,
    Tasks,
    Uncancellable,
    Waiter,
    limit_uncancellable,
    own_cancellation,
    run_to_completion,
    running_user_code,
    user_task,
)

pytestmark = pytest.mark.virtual_clock


async def test_the_result_and_the_error_are_the_works_own() -> None:
    async def gives() -> int:
        return 7

    async def fails() -> None:
        raise LookupError("mine")

    assert await run_to_completion(gives(), timeout=5, name="w") == 7
    with pytest.raises(LookupError, match="mine"):
        await run_to_completion(fails(), timeout=5, name="w")


async def test_a_cancelled_caller_waits_and_then_is_cancelled() -> None:
    goes_on = asyncio.Event()
    done: list[bool] = []

    async def work() -> None:
        await goes_on.wait()
        done.append(True)

    task = asyncio.create_task(run_to_completion(work(), timeout=5, name="w"))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [True]


async def test_what_fails_after_a_cancellation_is_noted_and_does_not_replace_it() -> None:
    async def work() -> None:
        await asyncio.sleep(0.05)
        raise LookupError("left open")

    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.01):
            await run_to_completion(work(), timeout=5, name="closing")
    # Its context, because the first versions of Python 3.11 set no cause.
    assert isinstance(caught.value.__context__, asyncio.CancelledError)
    assert caught.value.__context__.__notes__ == ["closing failed meanwhile: left open"]


async def test_it_is_bounded_in_time() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("cancelled")

    with pytest.raises(TimeoutError, match="w wasn't over in time"):
        await run_to_completion(work(), timeout=0.02, name="w")
    assert ended == ["cancelled"]


async def test_cancelling_all_tasks_does_not_reach_it() -> None:
    async def work() -> str:
        async with asyncio.timeout(5):  # cancels its own task where it expires
            await asyncio.sleep(0.05)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(5)
        return "done"

    work_ = Uncancellable(work(), timeout=5, name="w")
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()  # before its first step, too
    assert await work_.wait() == "done"


def test_the_end_of_the_loop_waits_for_it() -> None:
    done: list[str] = []

    async def work(name: str) -> None:
        await asyncio.sleep(0.05)
        done.append(name)

    async def main() -> None:
        Uncancellable(work("just started"), timeout=5, name="w")

    asyncio.run(main())
    assert done == ["just started"]


async def test_all_that_runs_can_be_given_less_time() -> None:
    slow = Uncancellable(asyncio.sleep(3600), timeout=60, name="slow")
    limit_uncancellable(0.02)
    later = Uncancellable(asyncio.sleep(3600), timeout=None, name="later")
    for work in (slow, later):
        with pytest.raises(TimeoutError, match="wasn't over in time"):
            await work.wait()


async def test_an_exit_inside_is_raised_where_it_is_waited_for() -> None:
    async def work() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        await run_to_completion(work(), timeout=5, name="w")


async def test_a_cancelled_scope_of_anyio_keeps_no_processor_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    call_soon, calls = loop.call_soon, 0

    def counted(*arguments: Any, **context: Any) -> asyncio.Handle:
        nonlocal calls
        calls += 1
        return call_soon(*arguments, **context)

    monkeypatch.setattr(loop, "call_soon", counted)
    with anyio.move_on_after(0.01) as scope:
        await run_to_completion(asyncio.sleep(1.0), timeout=5, name="w")
    assert scope.cancelled_caught
    # The scope cancels its task in every turn of the loop, for as long as the task goes on.
    assert calls < 100


async def test_it_can_be_left_in_the_background() -> None:
    goes_on = asyncio.Event()
    work = Uncancellable(goes_on.wait(), timeout=5, name="w")
    with pytest.raises(TimeoutError, match="goes on in the background"):
        await work.wait(at_most=0.01)
    assert not await work.within(0.01)
    goes_on.set()
    assert await work.wait()


def test_pauses_grow_are_bounded_and_never_shorter_than_asked_for() -> None:
    longest = Backoff(first=0.5, most=4.0, random=lambda: 1.0)
    assert [longest.pause() for _ in range(5)] == [0.5, 1.0, 2.0, 4.0, 4.0]
    assert longest.pause(retry_after=3.0) == 7.0
    assert Backoff(random=lambda: 0.0).pause(retry_after=3.0) == 3.0
    assert Backoff(first=0.1, tries=5000, most=9.0, random=lambda: 1.0).pause() == 9.0


async def test_only_a_task_that_was_asked_to_end_is_cancelled_by_us() -> None:
    found: list[bool] = []

    async def cancelled_from_outside() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            found.append(own_cancellation(error))

    async def awaits_something_cancelled() -> None:
        inner = asyncio.ensure_future(asyncio.sleep(60))
        inner.cancel()
        try:
            await inner
        except asyncio.CancelledError as error:
            found.append(own_cancellation(error))

    task = asyncio.ensure_future(cancelled_from_outside())
    await asyncio.sleep(0)
    task.cancel()
    await task
    await awaits_something_cancelled()
    assert found == [True, False]


async def test_a_task_that_user_code_waits_for_belongs_to_it() -> None:
    seen: list[asyncio.Task[object] | None] = []

    async def note() -> None:
        seen.append(user_task())

    async def handler() -> None:
        with running_user_code():
            await asyncio.wait_for(note(), 5)
            # What closes a session belongs to no one.
            await run_to_completion(note(), timeout=None, name="closing")
            later.append(asyncio.create_task(note()))

    later: list[asyncio.Task[None]] = []
    handling = asyncio.create_task(handler())
    await handling
    await later[0]
    assert seen[0] is handling
    assert seen[1] not in (handling, None)
    assert seen[2] is later[0]  # the handler is over, and waits for nothing
    assert user_task() is asyncio.current_task()


async def test_a_waiter_is_for_one_task_at_a_time() -> None:
    waiter = Waiter("already awaited by another task")
    waiter.wake()  # no one waits
    waiter.check()
    waiting = asyncio.create_task(waiter.wait())
    await asyncio.sleep(0)
    assert waiter.waiting
    with pytest.raises(RuntimeError, match="already awaited by another task"):
        await waiter.wait()
    waiter.wake()
    waiter.wake()
    await waiting
    assert not waiter.waiting
    again = asyncio.create_task(waiter.wait())
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()
    await asyncio.wait([again])
    waiter.check()  # the next one may wait


async def test_a_flag_ends_every_wait_and_those_after_it() -> None:
    flag = Flag()
    waits = [asyncio.create_task(flag.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    waits[1].cancel()
    await asyncio.sleep(0)
    assert not flag.is_set()
    flag.set()
    flag.set()
    await asyncio.gather(waits[0], waits[2])
    assert waits[1].cancelled()
    await flag.wait()


async def test_a_flag_that_is_cleared_at_once_ended_the_waits_before() -> None:
    flag = Flag(is_set=True)
    assert flag.is_set()
    flag.clear()
    waiting = asyncio.create_task(flag.wait())
    await asyncio.sleep(0)
    flag.set()
    flag.clear()
    await waiting
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(flag.wait(), 1)


async def test_tasks_are_kept_until_they_ended() -> None:
    ends = asyncio.Event()
    tasks = Tasks()
    for _ in range(2):
        tasks.add(asyncio.create_task(ends.wait()))
    over = asyncio.create_task(asyncio.sleep(0))
    await over
    tasks.add(over)
    assert len(tasks.running) == 2
    ends.set()
    await asyncio.wait(tasks.running)
    await asyncio.sleep(0)
    assert not tasks.running
