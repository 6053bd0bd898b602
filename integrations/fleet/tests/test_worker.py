"""A worker in the test's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from akool_fleet import Fleet, Worker
from akool_fleet.ledger import Ledger
from in_process import SENT, client_of, until, working
from taskiq import TaskiqMessage, TaskiqMiddleware, TaskiqResult

from akool_async import AkoolClient, AvatarSession
from akool_async.simulator import Simulator

AVATAR = "dvp_Tristan_cloth2_1080P"


class Counting(TaskiqMiddleware):
    """As taskiq's own middlewares of Prometheus and OpenTelemetry are called."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def startup(self) -> None:
        if self.broker.is_worker_process:  # else Prometheus gets no address
            self.seen.append("starts in a worker")

    def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
        self.seen.append(f"begins {message.task_id}")
        return message

    def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        error = " with an error" if result.is_err else ""
        self.seen.append(f"{result.return_value} {message.task_id}{error}")

    async def on_error(
        self, message: TaskiqMessage, result: TaskiqResult[Any], exception: BaseException
    ) -> None:
        self.seen.append(str(exception))


async def test_a_job_from_sending_to_its_end(make_fleet: Callable[..., Fleet]) -> None:
    heard: list[str] = []
    counting = Counting()
    async with Simulator(queue_time=0.0) as service:
        fleet = make_fleet(
            client=partial(AkoolClient, "any", base_url=service.url), middlewares=[counting]
        )

        @fleet.bot()
        async def asks(avatar: AvatarSession, question: str) -> None:
            heard.append((await avatar.ask(question)).text)

        worker = Worker(fleet)
        running = asyncio.create_task(worker.run())
        async with fleet:
            job = await asks.send("Who are you?", avatar_id=AVATAR, stream_type="trtc", job_id="j1")
            status = await job.wait(timeout=60, every=0.05)
            worker.drain()
            await asyncio.wait_for(running, 60)
            assert (status.state, status.attempts, status.worker) == ("done", 1, worker.id)
            assert heard
            assert heard[0]
            assert counting.seen == ["starts in a worker", "begins j1", "done j1"]
            assert [session.id for session in service.sessions.values()] == [status.session_id]
            assert not service.open_sessions
            assert (await fleet.status()).workers == {}


async def test_a_worker_that_can_not_renew_ends_with_the_reason(
    make_fleet: Callable[..., Fleet], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*arguments: object, **options: object) -> list[str]:
        raise ZeroDivisionError("a fault of the program")

    async with Simulator(queue_time=0.0) as service:
        fleet = make_fleet(client=partial(AkoolClient, "any", base_url=service.url))
        monkeypatch.setattr(Ledger, "renew", fails)
        with pytest.raises(ExceptionGroup) as failure:
            await asyncio.wait_for(Worker(fleet).run(), 60)
        assert failure.group_contains(ZeroDivisionError, match="a fault of the program")


async def test_a_job_that_failed_is_an_error_to_middlewares(
    make_fleet: Callable[..., Fleet], caplog: pytest.LogCaptureFixture
) -> None:
    counting = Counting()
    async with Simulator(queue_time=0.0) as service:
        fleet = make_fleet(client=client_of(service), middlewares=[counting])

        @fleet.bot()
        async def raises(avatar: AvatarSession) -> None:
            raise ValueError("why")

        async with fleet, working(fleet):
            await (await raises.send(**SENT, job_id="j1")).wait(timeout=60, every=0.05)
            await until(lambda: len(counting.seen) == 4)
    assert counting.seen[1:] == ["begins j1", "job j1: failed", "failed j1 with an error"]
    # Its traceback is logged once, by the fleet.
    assert [one.name for one in caplog.records if one.exc_info] == ["akool_fleet"]


async def test_a_worker_that_is_cancelled_hands_over(make_fleet: Callable[..., Fleet]) -> None:
    async with Simulator(queue_time=0.0) as service:
        fleet = make_fleet(client=client_of(service))
        begun, cancelled = asyncio.Event(), list[str]()

        @fleet.bot(drain="finish")
        async def waits(avatar: AvatarSession) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(avatar.info.session_id or "")
                raise

        async with fleet:
            running = asyncio.create_task(Worker(fleet).run())
            job = await waits.send(**SENT)
            await asyncio.wait_for(begun.wait(), 60)
            session_id = (await job.status()).session_id
            running.cancel()
            done, _ = await asyncio.wait([running], timeout=60)
            assert done
            assert running.cancelled()
            assert cancelled == [session_id]
            assert not service.open_sessions
            status = await job.status()
            assert (status.state, status.session_id) == ("queued", None)
            assert (await fleet.status()).workers == {}
