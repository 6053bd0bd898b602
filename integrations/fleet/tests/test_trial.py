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
        jobs = await t.send("visit", 40, 4.0)
        await t.until_open(20)
        first.kill()
        await t.worker()
        second.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(second.wait(), 60) == 0
        await t.worker()
        assert await t.until_ended(jobs) == {"done": 40}
        assert await t.ended() == {str(n): 1 for n in range(40)}
        assert t.most_open() <= 25
        await t.until_none_open()


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


async def test_the_server_is_restarted_in_the_middle() -> None:
    async with trial() as t:
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


async def test_all_workers_are_killed() -> None:
    async with trial() as t:
        first, second = await t.worker(), await t.worker()
        jobs = await t.send("visit", 20, 3.0)
        await t.until_open(15)
        first.kill()
        second.kill()
        await t.worker()
        assert await t.until_ended(jobs) == {"done": 20}
        assert await t.ended() == {str(n): 1 for n in range(20)}
        assert t.most_open() <= 25
        await t.until_none_open()


async def test_a_worker_whose_clock_is_wrong() -> None:
    """Half a minute off, in both directions: the server's clock decides."""
    async with trial() as t:
        await t.worker(TRIAL_CLOCK="30")
        await t.worker(TRIAL_CLOCK="-30")
        jobs = await t.send("visit", 20, 3.0)
        assert await t.until_ended(jobs) == {"done": 20}
        assert await t.ended() == {str(n): 1 for n in range(20)}
        assert t.most_open() <= 25
        assert len(t.service.sessions) == 20  # no lease of a live worker was reaped
        await t.until_none_open()


async def test_a_thousand_jobs_of_a_second() -> None:
    async with trial(TRIAL_LIMIT="50") as t:
        await t.worker()
        await t.worker()
        jobs = await t.send("visit", 1000, 1.0)
        assert await t.until_ended(jobs, timeout=600) == {"done": 1000}
        assert await t.ended() == {str(n): 1 for n in range(1000)}
        assert t.most_open() <= 50
        await t.until_none_open()


async def test_a_bot_that_finishes_is_waited_for() -> None:
    async with trial() as t:
        worker = await t.worker()
        jobs = await t.send("patient", 2, 2.0)
        await t.until_open(2)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 60) == 0
        assert await t.ended() == {"0": 1, "1": 1}
        assert await t.until_ended(jobs) == {"done": 2}
        assert not t.service.open_sessions


async def test_a_second_signal_hands_over_at_once() -> None:
    async with trial() as t:
        worker = await t.worker()
        (job,) = await t.send("patient", 1, 60.0)
        await t.until_open(1)
        worker.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            while worker.returncode is None:
                worker.send_signal(signal.SIGTERM)
                await asyncio.wait([asyncio.create_task(worker.wait())], timeout=0.5)
        assert (await job.status()).state == "queued"
        assert not t.service.open_sessions


async def test_a_bot_that_raises_fails_its_job_once() -> None:
    async with trial() as t:
        await t.worker()
        (job,) = await t.send("failing", 1)
        status = await job.wait(timeout=30)
        assert (status.state, status.error, status.attempts) == ("failed", "ValueError", 1)
        await t.until_none_open()


async def test_a_session_that_can_not_be_opened_fails_its_job() -> None:
    async with trial() as t:
        t.service.fail_next(path="*/session/create", code=1006, times=None)
        await t.worker()
        (job,) = await t.send("visit", 1, 0.1)
        status = await job.wait(timeout=30)
        assert status.state == "failed"
        assert status.error is not None
        assert "1006" in status.error
        assert not t.service.open_sessions


async def test_a_bot_talks() -> None:
    async with trial() as t:
        await t.worker()
        (job,) = await t.send("asking", 1)
        assert (await job.wait(timeout=30)).state == "done"
