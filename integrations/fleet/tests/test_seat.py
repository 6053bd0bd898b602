"""Jobs in their seats: what bots do, what the service does, and what becomes of the job."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

import pytest
from akool_fleet import Fleet
from akool_fleet.ledger import Ledger
from in_process import SENT, client_of, until, working
from most_open import most_open
from redis.exceptions import ConnectionError as RedisConnectionError
from trial import trial

from akool_async import AvatarSession
from akool_async.simulator import Simulator


async def test_a_bot_that_finishes_is_waited_for() -> None:
    async with trial() as t:
        worker = await t.worker()
        jobs = await t.send("patient", 2, 2.0)
        await t.until_open(2)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 180) == 0
        assert await t.ended() == {"0": 1, "1": 1}
        assert await t.until_ended(jobs) == {"done": 2}
        assert not t.service.open_sessions


async def test_a_second_signal_hands_over_at_once() -> None:
    async with trial() as t:
        worker = await t.worker()
        (job,) = await t.send("patient", 1, 600.0)
        await t.until_open(1)
        worker.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            while worker.returncode is None:
                worker.send_signal(signal.SIGTERM)
                await asyncio.wait([asyncio.create_task(worker.wait())], timeout=0.5)
        assert (await job.status()).state == "queued"
        assert not t.service.open_sessions


async def test_a_bot_that_raises_fails_its_job_once() -> None:
    async with trial() as t:
        await t.worker()
        (job,) = await t.send("failing", 1)
        status = await job.wait(timeout=120)
        assert (status.state, status.error, status.attempts) == ("failed", "ValueError", 1)
        await t.until_none_open()


async def test_a_session_that_can_not_be_opened_fails_its_job() -> None:
    async with trial() as t:
        t.service.fail_next(path="*/session/create", code=1006, times=None)
        await t.worker()
        (job,) = await t.send("visit", 1, 0.1)
        status = await job.wait(timeout=120)
        assert status.state == "failed"
        assert status.error is not None
        assert "1006" in status.error
        assert not t.service.open_sessions


async def test_a_bot_talks() -> None:
    async with trial() as t:
        await t.worker()
        (job,) = await t.send("asking", 1)
        assert (await job.wait(timeout=120)).state == "done"


Make = Callable[..., Fleet]


async def talks(avatar: AvatarSession) -> None:
    """Not for long."""


@pytest.mark.parametrize("fault", [{"drop": True}, {"html": True}, {"code": 4711}], ids=str)
async def test_a_create_without_a_usable_answer_keeps_its_seat_until_a_sweep(
    make_fleet: Make, fault: dict[str, Any]
) -> None:
    """Its session may be open under an id that no one knows: another one may be one too many."""
    async with Simulator(queue_time=0.0) as service:
        service.fail_next(path="*/session/create", acts=True, **fault)
        fleet = make_fleet(
            limit=1,
            account="exclusive",
            create_time=1,
            sweep_every=0.5,
            client=client_of(service),
        )
        bot = fleet.bot()(talks)
        async with fleet, working(fleet):
            jobs = [await bot.send(**SENT, job_id=name) for name in ("lost", "next")]
            states = {job.id: (await job.wait(timeout=60, every=0.05)).state for job in jobs}
        assert states == {"lost": "failed", "next": "done"}
        assert len(service.sessions) == 2
        assert most_open(service) == 1
        assert not service.open_sessions


async def test_a_bot_that_raised_keeps_its_seat_until_its_session_is_closed(
    make_fleet: Make,
) -> None:
    async with Simulator(queue_time=0.0) as service:
        closing = service.fail_next(path="*/session/close", status=503, times=None)
        client = client_of(service, session_close_timeout=0.2, max_retries=0)
        fleet = make_fleet(limit=1, lease=1, client=client)

        @fleet.bot(retries=3)
        async def raises(avatar: AvatarSession) -> None:
            raise ValueError("a text that no one should read")

        async with fleet, working(fleet):
            job = await raises.send(**SENT)
            status = await job.wait(timeout=60, every=0.05)
            assert (status.state, status.error) == ("failed", "ValueError")
            async with asyncio.timeout(60):
                while (await fleet.status()).seats[0].lease > 0:  # given up by its worker
                    await asyncio.sleep(0.05)
            assert service.open_sessions
            service.clear_faults(closing)
            async with asyncio.timeout(60):
                while (await fleet.status()).seats:
                    await asyncio.sleep(0.05)
            assert not service.open_sessions
            status = await job.status()
            assert (status.state, status.attempts) == ("failed", 1)


@pytest.mark.parametrize(
    ("how", "error"),
    [
        (SystemExit(3), "FleetError: the bot called sys.exit"),
        (asyncio.CancelledError(), "CancelledError"),
        (ValueError("a text that no one should read"), "ValueError"),
    ],
    ids=["sys.exit", "CancelledError", "ValueError"],
)
async def test_whatever_a_bot_raises_only_its_job_fails(
    make_fleet: Make, how: BaseException, error: str
) -> None:
    async with Simulator(queue_time=0.0) as service:
        fleet = make_fleet(client=client_of(service))
        go = asyncio.Event()

        @fleet.bot(retries=3)
        async def raises(avatar: AvatarSession) -> None:
            raise how

        @fleet.bot()
        async def waits(avatar: AvatarSession) -> None:
            await go.wait()

        async with fleet, working(fleet):
            other = await waits.send(**SENT)
            await until(lambda: len(service.open_sessions) == 1)
            status = await (await raises.send(**SENT)).wait(timeout=60, every=0.05)
            assert (status.state, status.attempts) == ("failed", 1)
            assert status.error is not None
            assert status.error.startswith(error)
            assert "no one should read" not in status.error
            go.set()
            assert (await other.wait(timeout=60, every=0.05)).state == "done"
        assert not service.open_sessions


async def test_a_bot_without_end_loses_its_seat(
    make_fleet: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("akool_fleet.seat._AFTER", 0.0)
    async with Simulator(queue_time=0.0) as service:
        fleet = make_fleet(max_session=1, client=client_of(service))

        @fleet.bot()
        async def hangs(avatar: AvatarSession) -> None:
            await asyncio.Event().wait()

        async with fleet, working(fleet):
            status = await (await hangs.send(**SENT)).wait(timeout=60, every=0.05)
            assert (status.state, status.error) == ("failed", "the bot didn't end within 1 s")
            await until(lambda: not service.open_sessions)


async def test_a_bot_that_ignores_being_cancelled_loses_its_session(
    make_fleet: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("akool_fleet.seat._CANCEL", 0.05)
    async with Simulator(queue_time=0.0) as service:
        fleet = make_fleet(client=client_of(service))
        begun, go = asyncio.Event(), asyncio.Event()

        @fleet.bot(drain="hand_over")
        async def stays(avatar: AvatarSession) -> None:
            begun.set()
            while not go.is_set():
                try:
                    await go.wait()
                except asyncio.CancelledError:
                    continue

        async with fleet:
            async with working(fleet):
                job = await stays.send(**SENT)
                await asyncio.wait_for(begun.wait(), 60)
            go.set()
            assert not service.open_sessions
            assert (await job.status()).state == "queued"
            assert "goes on after it was cancelled twice" in caplog.text


async def test_a_worker_cut_off_from_the_server_loses_its_job_and_ends_it(
    make_fleet: Make,
) -> None:
    """Its lease ends while its bot talks: another worker closes the session and runs the job."""
    cut = asyncio.Event()
    ended: list[str] = []

    class CutOff(Fleet):
        def make_ledger(self) -> Ledger:
            ledger = super().make_ledger()
            renew = ledger.renew

            async def renew_or_not(*arguments: Any, **options: Any) -> list[str]:
                if cut.is_set():
                    raise RedisConnectionError("cut off")
                return await renew(*arguments, **options)

            ledger.renew = renew_or_not  # type: ignore[method-assign]
            return ledger

    async def visit(avatar: AvatarSession) -> None:
        ended.append("begins")
        if len(ended) == 1:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("cut off")

    async with Simulator(queue_time=0.0) as service:
        whole = make_fleet(lease=3, limit=1, client=client_of(service))
        options = whole.options.model_dump() | {"sessions_per_process": 1}
        cutting = CutOff(**options, client=client_of(service))
        bot = whole.bot(retries=1)(visit)
        cutting.bot(retries=1)(visit)
        async with whole, working(cutting, "cut off"):
            job = await bot.send(**SENT)
            await until(lambda: ended == ["begins"])
            async with working(whole, "whole"):
                cut.set()
                status = await job.wait(timeout=60, every=0.05)
                assert (status.state, status.attempts, status.worker) == ("done", 2, "whole")
                assert ended == ["begins", "begins"]  # it knows nothing of it yet
                cut.clear()
                await until(lambda: len(ended) == 3)
        assert ended == ["begins", "begins", "cut off"]
        assert len(service.sessions) == 2
        assert most_open(service) == 1
        assert not service.open_sessions


async def test_a_job_waits_for_a_worker_that_has_its_bot(
    make_fleet: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a deployment, workers of the version before read jobs of new bots."""
    async with Simulator(queue_time=0.0) as service:
        new = make_fleet(client=client_of(service))
        old = Fleet(**new.options.model_dump(), client=client_of(service))
        bot = new.bot()(talks)
        async with new, working(old, "old"):
            job = await bot.send(**SENT)
            async with asyncio.timeout(60):
                while "unfit" not in await new.ledger.fields(job.id):
                    await asyncio.sleep(0.01)
            async with working(new, "new"):
                status = await job.wait(timeout=60, every=0.05)
            assert (status.state, status.worker) == ("done", "new")
            monkeypatch.setattr("akool_fleet.seat._ANOTHER", 0.0)
            status = await (await bot.send(**SENT)).wait(timeout=60, every=0.05)
            assert (status.state, status.error) == ("failed", "no worker has a bot 'talks'")
        assert len(service.sessions) == 1
