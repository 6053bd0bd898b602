"""Jobs that are sent at their times, by taskiq's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from akool_fleet import Fleet
from akool_fleet.bots import read_order
from akool_fleet.schedule import FleetScheduler
from taskiq import ScheduledTask
from taskiq.cli.scheduler.run import SchedulerLoop

from akool_async.errors import InvalidParameterError

AVATAR = "dvp_Tristan_cloth2_1080P"


async def greet(avatar: object, customer: str) -> None:
    """A bot that no test here runs."""


def schedule(**fields: Any) -> ScheduledTask:
    given = {"task_name": "greet", "labels": {}, "args": ["Ada"], "kwargs": {"avatar_id": AVATAR}}
    return ScheduledTask(**{**given, **fields})


@asynccontextmanager
async def running(*schedulers: FleetScheduler) -> AsyncIterator[None]:
    """As `taskiq scheduler` does."""
    for scheduler in schedulers:
        await scheduler.startup()
    loops = [asyncio.create_task(SchedulerLoop(scheduler).run()) for scheduler in schedulers]
    try:
        yield
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.wait(loops)
        for scheduler in schedulers:
            await scheduler.shutdown()


def fleets(make_fleet: Callable[..., Fleet], count: int) -> list[Fleet]:
    """The same fleet in as many processes."""
    first = make_fleet()
    several = [first, *(Fleet(**first.options.model_dump()) for _ in range(count - 1))]
    for one in several:
        one.bot(retries=2)(greet)
    return several


async def test_a_cron_job_is_sent_once_though_two_schedulers_run(
    make_fleet: Callable[..., Fleet],
) -> None:
    one, other, watching = fleets(make_fleet, 3)
    every = schedule(cron="* * * * *", schedule_id="every-minute")
    async with watching, running(FleetScheduler(one, [every]), FleetScheduler(other, [every])):
        began = await watching.ledger.now()
        async with asyncio.timeout(60):
            while not (await watching.status()).waiting:
                await asyncio.sleep(0.05)
        (job,) = await watching.ledger.redis.zrange(watching.ledger.prefix + "jobs", 0, 0)
        fields = await watching.ledger.fields(job)
    assert job in {f"every-minute@{int(began) // 60 + later}" for later in (0, 1)}
    order = read_order(fields["order"])
    assert (order.avatar_id, order.args, fields["retries"]) == (AVATAR, ("Ada",), "2")


async def test_a_job_with_a_time_is_sent_once(make_fleet: Callable[..., Fleet]) -> None:
    one, watching = fleets(make_fleet, 2)
    past = datetime.now(UTC) - timedelta(seconds=1)
    scheduler = FleetScheduler(one, [schedule(time=past, schedule_id="once")])
    async with watching, running(scheduler):
        async with asyncio.timeout(60):
            while (
                not (await watching.status()).waiting or await scheduler.sources[0].get_schedules()
            ):
                await asyncio.sleep(0.05)
        assert (await watching.job("once").status()).bot == "greet"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"args": []}, "don't fit the bot greet"),
        ({"kwargs": {}}, "avatar_id"),
        ({"task_name": "another"}, "no bot 'another'"),
    ],
)
async def test_what_can_not_be_sent_is_logged_and_left_out(
    make_fleet: Callable[..., Fleet],
    fields: dict[str, Any],
    says: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (fleet,) = fleets(make_fleet, 1)
    scheduler = FleetScheduler(fleet)
    await scheduler.startup()
    await scheduler.on_ready(scheduler.sources[0], schedule(cron="* * * * *", **fields))
    assert (await fleet.status()).jobs == {}
    await scheduler.shutdown()
    assert says in caplog.text


def test_a_schedule_of_no_bot_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="no bot 'greet'"):
        FleetScheduler(Fleet(limit=1), [schedule(cron="* * * * *")])
