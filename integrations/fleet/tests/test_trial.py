"""Whole fleets that go through what machines go through: nothing twice, nothing left open."""

from __future__ import annotations

import asyncio
import signal

import pytest
from trial import trial

pytestmark = pytest.mark.slow


async def test_forty_jobs_two_workers_one_killed_one_drained() -> None:
    """40 jobs, a limit of 25, SIGKILL of one worker while it talks, SIGTERM of the other."""
    async with trial() as t:
        first, second = await t.worker(), await t.worker()
        jobs = await t.send("gated", 40)
        await t.until_open(20)
        first.kill()
        await t.worker()
        second.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(second.wait(), 180) == 0
        await t.worker()
        await t.let_end()
        assert await t.until_ended(jobs) == {"done": 40}
        assert await t.ended() == {str(n): 1 for n in range(40)}
        assert t.most_open() <= 25
        await t.until_none_open()


async def test_the_server_is_restarted_in_the_middle() -> None:
    async with trial(TRIAL_LEASE="20") as t:
        await t.worker()
        jobs = await t.send("visit", 30, 2.0)
        await t.until_open(10)
        t.server.stop()
        t.server.start()
        assert await t.until_ended(jobs) == {"done": 30}
        assert await t.ended() == {str(n): 1 for n in range(30)}
        assert t.most_open() <= 25
        await t.until_none_open()


async def test_the_server_can_not_be_reached_for_longer_than_a_lease() -> None:
    async with trial() as t:
        await t.worker()
        await t.worker()
        jobs = await t.send("visit", 30, 6.0)
        await t.until_open(20)
        assert t.server.process is not None
        t.server.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(10)
        t.server.process.send_signal(signal.SIGCONT)
        assert await t.until_ended(jobs) == {"done": 30}
        assert await t.ended() == {str(n): 1 for n in range(30)}
        assert t.most_open() <= 25
        await t.until_none_open()


async def test_a_thousand_jobs_of_a_second() -> None:
    async with trial(TRIAL_LIMIT="50", TRIAL_LEASE="20") as t:
        await t.worker()
        await t.worker()
        jobs = await t.send("visit", 1000, 1.0)
        assert await t.until_ended(jobs, timeout=600) == {"done": 1000}
        assert await t.ended() == {str(n): 1 for n in range(1000)}
        assert t.most_open() <= 50
        await t.until_none_open()
