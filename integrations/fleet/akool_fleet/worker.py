"""A worker process: reads the queue, runs jobs, ends in order when it is asked to."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import uuid
from typing import Final

from taskiq import AcknowledgeType, Context, TaskiqDepends
from taskiq.receiver import Receiver

from akool_async.concurrency import run_to_completion
from akool_fleet.broker import GROUP
from akool_fleet.fleet import TASK, Fleet
from akool_fleet.ledger import Ledger, declare_group
from akool_fleet.reaper import Reaper
from akool_fleet.seat import Seats

__all__ = ["Worker", "work"]

logger = logging.getLogger("akool_fleet")

#: Seconds for the sessions of a worker that is cancelled to be closed, and its jobs put back.
_ENDING: Final = 300.0
#: Signals that ask a worker to drain; a second one hands "finish" bots over, too.
_SIGNALS: Final = ("SIGTERM", "SIGINT", "SIGHUP")


class Worker:
    """One worker of a fleet in this event loop.

    Args:
        fleet: with its bots registered.
        worker: its id; by default host, process and a random part.
    """

    def __init__(self, fleet: Fleet, *, worker: str | None = None) -> None:
        self.fleet = fleet
        self.id = worker or f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._asked = asyncio.Event()
        self._hurry = asyncio.Event()

    def drain(self) -> None:
        """Ends in order: takes no more jobs, puts waiting ones back, finishes or hands over those
        that run. Called a second time, it hands all over.
        """
        if self._asked.is_set():
            self._hurry.set()
        self._asked.set()

    def _drain_once(self) -> None:
        self._asked.set()

    def _hand_over(self) -> None:
        self._asked.set()
        self._hurry.set()

    async def run(self) -> None:
        """Works until it is drained. Cancelled, it hands all over first.

        Raises:
            RedisError: the server can't be reached at the start.
            ExceptionGroup: renewing and cleaning up failed unexpectedly; the worker drained.
        """
        fleet, options = self.fleet, self.fleet.options
        ledger = fleet.make_ledger()
        try:
            await declare_group(ledger.redis, ledger.queue, GROUP)
            async with fleet.client() as client:
                seats = Seats(options, fleet.bots, ledger, client, worker=self.id)
                reaper = Reaper(
                    options, ledger, client, seats, worker=self.id, drain=self._drain_once
                )
                cleaning = asyncio.create_task(reaper.run(), name="fleet-reaper")
                # Without it no lease is renewed: other workers would run this one's jobs again.
                cleaning.add_done_callback(lambda _: self._hand_over())
                ending = asyncio.create_task(self._end_by(seats), name="fleet-drain")
                try:
                    await self._receive(seats, ledger)
                finally:
                    failed = cleaning.done() and not cleaning.cancelled()
                    for task in (ending, cleaning):
                        task.cancel()
                    await asyncio.wait([ending, cleaning])
                if failed:
                    cleaning.result()
        finally:
            await ledger.aclose()
        logger.info("worker %s ended in order", self.id)

    async def _receive(self, seats: Seats, ledger: Ledger) -> None:
        fleet, options = self.fleet, self.fleet.options
        broker = fleet.make_broker(ledger, worker=self.id)

        async def run(job: str, context: Context = TaskiqDepends()) -> str:  # noqa: B008
            return await seats.run(job, context)

        broker.register_task(run, task_name=TASK)
        receiver = Receiver(
            broker,
            max_async_tasks=options.sessions_per_process,
            ack_type=AcknowledgeType.MANUAL,
        )

        async def end() -> None:
            await seats.hand_over()
            await broker.shutdown()
            await ledger.retire(self.id, GROUP)

        try:
            await receiver.listen(self._asked)
        finally:
            # Cancelled, the receiver leaves its jobs alone.
            await run_to_completion(end(), timeout=_ENDING, name=f"ending worker {self.id}")

    async def _end_by(self, seats: Seats) -> None:
        await self._asked.wait()
        logger.info("worker %s drains", self.id)
        seats.draining.set()
        if seats.finishing:
            logger.warning(
                "the worker waits for %d jobs, at most %g s; another signal hands them over",
                seats.finishing,
                self.fleet.options.drain_timeout,
            )
        try:
            async with asyncio.timeout(self.fleet.options.drain_timeout):
                await self._hurry.wait()
        except TimeoutError:
            logger.warning("bots that aren't finished are handed over now")
        seats.hurrying.set()


async def work(fleet: Fleet) -> None:
    """Runs a worker until SIGTERM, SIGINT or SIGHUP."""
    worker = Worker(fleet)
    loop = asyncio.get_running_loop()
    for name in _SIGNALS:
        if hasattr(signal, name):
            loop.add_signal_handler(getattr(signal, name), worker.drain)
    await worker.run()
