from __future__ import annotations

import asyncio

import pytest

from akool_async.simulator.tasks import Tasks


async def test_all_end_with_their_owner() -> None:
    tasks = Tasks()
    ended: list[int] = []

    async def wait(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(number)

    for number in range(3):
        tasks.spawn(wait(number), f"waits-{number}")
    await asyncio.sleep(0)
    await asyncio.wait_for(tasks.stop(), 10)
    assert sorted(ended) == [0, 1, 2]
    await asyncio.wait_for(tasks.stop(), 10)


async def test_one_that_fails_is_logged_by_its_name_and_handed_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors: list[Exception] = []
    tasks = Tasks(errors.append)
    done = asyncio.Event()

    async def fail() -> None:
        done.set()
        raise ValueError("wrong")

    tasks.spawn(fail(), "the one that fails")
    await done.wait()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records] == ["the one that fails failed"]
    assert [str(error) for error in errors] == ["wrong"]
    assert len(tasks) == 0
    await tasks.stop()
