from __future__ import annotations

import asyncio
import signal

from trial import trial


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
