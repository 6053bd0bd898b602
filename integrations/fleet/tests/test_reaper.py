"""What workers do for the whole fleet: leases, dead workers, sweeps."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from akool_fleet import Fleet
from akool_fleet.reaper import Reaper
from redis.exceptions import ConnectionError as RedisConnectionError
from trial import trial

from akool_async.errors import APIConnectionError


def reaper() -> Reaper:
    """One whose steps are the test's."""
    nothing = cast("Any", None)
    return Reaper(Fleet(limit=1).options, nothing, nothing, nothing, worker="w", drain=nothing)


async def test_it_ends_though_the_servers_client_lost_the_cancellation() -> None:
    """As it does when the cancellation comes together with an answer: see `FleetBroker.listen`."""
    begun = asyncio.Event()

    async def step() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    running = asyncio.create_task(reaper()._every(3600.0, step))
    await begun.wait()
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=30)
    assert done
    assert running.cancelled()


@pytest.mark.parametrize("error", [RedisConnectionError("away"), APIConnectionError("away")])
async def test_it_goes_on_when_the_server_or_the_service_is_away(error: Exception) -> None:
    again = asyncio.Event()
    steps = 0

    async def step() -> None:
        nonlocal steps
        steps += 1
        if steps == 1:
            raise error
        again.set()

    running = asyncio.create_task(reaper()._every(0.01, step))
    await asyncio.wait_for(again.wait(), 30)
    running.cancel()
    await asyncio.wait([running])


async def test_a_worker_killed_during_create() -> None:
    """Its session exists and no journal names it: the seat is held until a sweep closed it."""
    async with trial(TRIAL_LIMIT="2") as t:
        first = await t.worker()
        t.service.fail_next(path="*/session/create", acts=True, delay=60.0, times=2, status=504)
        jobs = await t.send("visit", 6, 0.2)
        await t.until_open(2)
        first.kill()
        t.service.clear_faults()
        await t.worker()
        assert await t.until_ended(jobs) == {"done": 6}
        assert await t.ended() == {str(n): 1 for n in range(6)}
        assert t.most_open() <= 2
        await t.until_none_open()


async def test_all_workers_are_killed() -> None:
    async with trial() as t:
        first, second = await t.worker(), await t.worker()
        jobs = await t.send("gated", 20)
        await t.until_open(15)
        first.kill()
        second.kill()
        await t.worker()
        await t.let_end()
        assert await t.until_ended(jobs) == {"done": 20}
        assert await t.ended() == {str(n): 1 for n in range(20)}
        assert t.most_open() <= 25
        await t.until_none_open()


async def test_a_worker_whose_clock_is_wrong() -> None:
    """Half a minute off, in both directions: the server's clock decides."""
    # A live worker of a busy machine may be late by seconds.
    async with trial(TRIAL_LEASE="20") as t:
        await t.worker(TRIAL_CLOCK="30")
        await t.worker(TRIAL_CLOCK="-30")
        jobs = await t.send("visit", 20, 3.0)
        assert await t.until_ended(jobs) == {"done": 20}
        assert await t.ended() == {str(n): 1 for n in range(20)}
        assert t.most_open() <= 25
        assert len(t.service.sessions) == 20  # no lease of a live worker was reaped
        await t.until_none_open()
