"""What a worker does for the whole fleet: renew its leases, and clean up after dead workers."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from redis.exceptions import RedisError

from akool_async import AkoolClient
from akool_async.errors import AkoolError
from akool_fleet.broker import GROUP
from akool_fleet.ledger import Ledger
from akool_fleet.options import FleetOptions
from akool_fleet.seat import Seats
from akool_fleet.waiting import pass_on_cancellation

__all__ = ["Reaper", "reap_once"]

logger = logging.getLogger("akool_fleet")

#: `status` of `sessions.list`: queueing and running.
_OPEN: Final = (1, 2)


class Reaper:
    """Runs beside the jobs of one worker process until it is cancelled."""

    def __init__(
        self,
        options: FleetOptions,
        ledger: Ledger,
        client: AkoolClient,
        seats: Seats,
        *,
        worker: str,
        drain: Callable[[], None],
    ) -> None:
        self._options = options
        self._ledger = ledger
        self._client = client
        self._seats = seats
        self._worker = worker
        self._drain = drain
        self._started: float | None = None

    async def run(self) -> None:
        """Renews, reaps, sweeps."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(self._options.lease / 4, self._renew))
            group.create_task(self._every(self._options.lease / 2, self._reap))
            group.create_task(self._every(self._options.sweep_every, self._sweep))

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
                pause = seconds
            except (RedisError, OSError) as error:
                logger.warning("the fleet's server: %s", type(error).__name__)
                pause = min(seconds, 0.5)
            except AkoolError as error:
                logger.warning("the service: %s", error)
                pause = seconds
            pass_on_cancellation()
            await asyncio.sleep(pause)

    async def _renew(self) -> None:
        held = self._seats.held
        for job in await self._ledger.renew(self._worker, held, lease=self._options.lease):
            self._seats.lose(job, held[job])
        if self._started is None:
            self._started = await self._ledger.now()
        if await self._ledger.drain_requested(self._started):
            self._drain()

    async def _reap(self) -> None:
        await reap_once(self._options, self._ledger, self._client)
        await self._ledger.trim(GROUP)

    async def _sweep(self) -> None:
        options = self._options
        if not await self._ledger.sweep_is_mine(every=options.sweep_every * 0.9):
            return
        began = await self._ledger.now()
        if options.account == "shared":
            await self._ledger.free_unknown(began, create_time=float(options.max_session))
            return
        found = [
            session.id
            for status in _OPEN
            async for session in self._client.sessions.list(status=status)
        ]
        for session_id in await self._ledger.mark_orphans(found, age=options.create_time):
            await self._client.sessions.close(session_id)
            logger.warning("closed session %s, which no worker had written down", session_id)
        await self._ledger.free_unknown(began, create_time=options.create_time)


async def reap_once(
    options: FleetOptions, ledger: Ledger, client: AkoolClient, *, force: bool = False
) -> dict[str, str]:
    """Closes the sessions of seats whose lease has ended; returns what became of their jobs.

    `force`: also where no worker renews, see `Ledger.take_expired`.

    A session that can't be closed keeps its seat; it is tried again after another lease.

    Raises:
        RedisError: the server can't be reached.
    """
    done: dict[str, str] = {}
    token = "reaper-" + uuid.uuid4().hex
    await ledger.recover(GROUP, lease=options.lease, force=force)
    while taken := await ledger.take_expired(token, lease=options.lease, force=force):
        job, session_id = taken
        if session_id is not None:
            try:
                await client.sessions.close(session_id)
            except AkoolError as error:
                logger.warning(
                    "session %s of a dead worker isn't closed yet: %s", session_id, error
                )
                continue
        done[job] = await ledger.settle(job, token)
        logger.warning("the worker of job %s is dead; it is %s now", job, done[job])
    return done
