from __future__ import annotations

import asyncio

import pytest

from akool_async.simulator import Clock


async def test_a_clock_that_stands_moves_only_by_advance() -> None:
    clock = Clock(running=False)
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [asyncio.create_task(sleeper(*item)) for item in (("late", 30), ("soon", 10))]
    await asyncio.sleep(0)
    clock.advance(9.5)
    await asyncio.sleep(0)
    assert (clock.now(), woken) == (9.5, [])
    clock.advance(100)
    await asyncio.gather(*tasks)
    assert woken == ["soon", "late"]


async def test_a_running_clock_wakes_by_itself_and_by_advance() -> None:
    clock = Clock()
    await clock.sleep(0.01)
    assert clock.now() >= 0.009
    task = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.advance(3600)
    await asyncio.wait_for(task, 20)
    assert clock.now() > 3600


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = Clock(running=False)
    task = asyncio.create_task(clock.sleep(1))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    clock.advance(2)
    assert task.cancelled()


async def test_time_does_not_go_back() -> None:
    clock = Clock(running=False)
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)
    unix = clock.unix()
    clock.advance(5)
    assert clock.unix() == pytest.approx(unix + 5)
