"""Waiting with a limit."""

from __future__ import annotations

import asyncio

import pytest
from akool_fleet.errors import FleetError
from akool_fleet.waiting import cancelled, insist, pass_on_cancellation, until, until_set
from redis.exceptions import ConnectionError as RedisConnectionError


async def test_a_call_is_repeated_while_the_server_is_away() -> None:
    tries = 0

    async def call() -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise RedisConnectionError("away")
        return tries

    assert await insist(call) == 3


async def test_it_is_repeated_for_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("akool_fleet.waiting._INSIST", 0.0)

    async def call() -> None:
        raise RedisConnectionError("away, and a secret")

    with pytest.raises(FleetError, match="can't be reached for 0 s: ConnectionError") as caught:
        await insist(call)
    assert "secret" not in str(caught.value)


async def test_an_event_ends_the_waiting() -> None:
    one, other = asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().call_soon(other.set)
    async with asyncio.timeout(30):
        await until_set(other, timeout=60)
    await until_set(one, timeout=0.001)
    assert not one.is_set()


async def test_a_cancellation_that_was_lost_is_passed_on() -> None:
    async def loses() -> None:
        pass_on_cancellation()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass_on_cancellation()

    task = asyncio.create_task(loses())
    await asyncio.sleep(0)
    assert await cancelled(task)
    assert task.cancelled()


async def test_a_task_that_is_over_is_returned_whatever_else_happened() -> None:
    event = asyncio.Event()
    event.set()
    task = asyncio.create_task(asyncio.sleep(0, "done"))
    await asyncio.wait([task])
    assert await until(task, event) is task


@pytest.mark.parametrize("timeout", [None, 0.001])
async def test_a_task_that_is_not_over_goes_on(timeout: float | None) -> None:
    event = asyncio.Event()
    if timeout is None:
        event.set()
    task = asyncio.create_task(asyncio.Event().wait())
    assert await until(task, event, timeout=timeout) is None
    assert not task.done()
    assert await cancelled(task)
    assert task.cancelled()


async def test_who_waits_takes_the_task_along() -> None:
    task = asyncio.create_task(asyncio.Event().wait())
    waiting = asyncio.create_task(until(task, asyncio.Event()))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert task.cancelled()


async def test_a_task_that_ignores_being_cancelled_is_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    go = asyncio.Event()

    async def stays() -> None:
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue
        raise ValueError("what a person said")

    task = asyncio.create_task(stays())
    await asyncio.sleep(0)
    assert not await cancelled(task, timeout=0.01)
    go.set()
    assert await cancelled(task)
    assert "raised ValueError" in caplog.text
    assert "what a person said" not in caplog.text
