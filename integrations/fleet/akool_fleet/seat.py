"""One job in one seat, in the order that keeps money safe.

Seat, acknowledge, create, write the session's id down, converse, close, free. The seat is freed
only after the session was closed; what a worker that dies leaves behind is done by another's
`Reaper`.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final, TypeVar

from redis.backoff import FullJitterBackoff
from redis.exceptions import RedisError
from taskiq import Context

from akool_async import AkoolClient, AvatarSession
from akool_async.errors import AkoolError, BusyError, SessionLeftOpenError
from akool_fleet.bots import BotSettings, JobOrder, read_order
from akool_fleet.errors import FleetError, LeaseLostError
from akool_fleet.ledger import Ledger
from akool_fleet.options import FleetOptions

__all__ = ["Seats"]

logger = logging.getLogger("akool_fleet")

T = TypeVar("T")

#: Seconds between two tries to get a seat: short at first, then longer.
_ASK: Final = FullJitterBackoff(cap=1.0, base=0.1)
#: Seconds between two tries to create a session while every slot of the account is busy.
_BUSY: Final = FullJitterBackoff(cap=10.0, base=0.5)
#: Seconds that a try to write something down may be repeated while the server is away.
_INSIST: Final = 120.0


class Seats:
    """The jobs of one worker process.

    Attributes:
        held: job -> token of each seat that this process has.
        draining: set when the process is asked to end: waiting jobs are put back, jobs of bots with
            `drain="hand_over"` are closed and put back.
        hurrying: set when "finish" bots are handed over as well.
    """

    def __init__(
        self,
        options: FleetOptions,
        bots: Mapping[str, BotSettings[Any]],
        ledger: Ledger,
        client: AkoolClient,
        *,
        worker: str,
    ) -> None:
        self._options = options
        self._bots = bots
        self._ledger = ledger
        self._client = client
        self._worker = worker
        self._joins = asyncio.Semaphore(options.joins_at_once)
        self._lost: dict[str, asyncio.Event] = {}
        self.held: dict[str, str] = {}
        self.draining = asyncio.Event()
        self.hurrying = asyncio.Event()

    def lose(self, job: str) -> None:
        """The seat of this job was given to another worker."""
        if (event := self._lost.get(job)) is not None:
            event.set()

    async def run(self, job: str, context: Context) -> str:
        """Runs a job whose message was read; returns what became of it."""
        token = uuid.uuid4().hex
        got = await self._seat(job, token)
        if got != "seated":
            await _insist(context.ack)
            return got
        self._lost[job] = asyncio.Event()
        self.held[job] = token
        try:
            # A message that can't be acknowledged is harmless: a job that is seated gets no second
            # seat.
            await _insist(context.ack)
            return await self._seated(job, token)
        finally:
            self.held.pop(job, None)
            self._lost.pop(job, None)

    async def _seat(self, job: str, token: str) -> str:
        tries = 0
        while True:
            if self.draining.is_set():
                await _insist(lambda: self._ledger.put_back(job, None))
                return "handed back"
            got = await _insist(
                partial(
                    self._ledger.acquire,
                    *(job, token, self._worker),
                    limit=self._options.limit,
                    lease=self._options.lease,
                )
            )
            if got != "full":
                return got
            tries += 1
            await _first(self.draining, timeout=_ASK.compute(tries))

    async def _seated(self, job: str, token: str) -> str:
        ledger = self._ledger
        fields = await _insist(lambda: ledger.fields(job))
        bot = self._bots.get(fields.get("bot", ""))
        if bot is None:
            return await self._failed(job, token, f"the worker has no bot {fields.get('bot')!r}")
        try:
            state = await self._converse(bot, read_order(fields["order"]), job, token)
        except LeaseLostError:
            return "lost"
        except SessionLeftOpenError as error:
            # The lease runs out, and the reaper closes the session before it frees the seat. A job
            # that was done stays done.
            logger.error("job %s keeps its seat until its session is closed: %s", job, error)  # noqa: TRY400
            return "left open"
        except AkoolError as error:
            return await self._failed(job, token, f"{type(error).__name__}: {error}")
        except Exception as error:  # the bot's own: reported with the job
            logger.exception("the bot of job %s raised", job)
            # Its text may quote what people said, so only its type is kept.
            return await self._failed(job, token, type(error).__name__)
        if state == "handed over":
            await _insist(lambda: ledger.put_back(job, token))
        else:
            await _insist(lambda: ledger.free(job, token))
        return state

    async def _failed(self, job: str, token: str, error: str) -> str:
        await _insist(lambda: self._ledger.conversed(job, token, "failed", error[:300]))
        await _insist(lambda: self._ledger.free(job, token))
        return "failed"

    async def _converse(self, bot: BotSettings[Any], order: JobOrder, job: str, token: str) -> str:
        """Opens the session, runs the bot, closes the session.

        Raises:
            LeaseLostError: another worker has the seat; the session is closed all the same.
            AkoolError: no session could be opened, or the bot let one through.
        """
        lost = self._lost[job]
        leave = self.hurrying if bot.drain == "finish" else self.draining
        async with AsyncExitStack() as session:
            opening = asyncio.create_task(self._open(session, order, job, token))
            if await _until(opening, lost, leave) is None:
                await _cancelled(opening)
                return self._left(job, lost)
            talking = asyncio.create_task(_call(bot, opening.result(), order))
            if await _until(talking, lost, leave) is None:
                await _cancelled(talking)
                return self._left(job, lost)
            talking.result()
            # Before the session is closed: a worker that dies now leaves no job to be run again.
            if not await _insist(lambda: self._ledger.conversed(job, token, "done")):
                raise LeaseLostError(f"the seat of job {job} was given to another worker")
        return "done"

    def _left(self, job: str, lost: asyncio.Event) -> str:
        if lost.is_set():
            raise LeaseLostError(f"the seat of job {job} was given to another worker")
        return "handed over"

    async def _open(
        self, stack: AsyncExitStack, order: JobOrder, job: str, token: str
    ) -> AvatarSession:
        async def created(session_id: str) -> None:
            if not await _insist(lambda: self._ledger.journal(job, token, session_id)):
                raise LeaseLostError(f"the seat of job {job} was given to another worker")

        until = time.monotonic() + self._options.create_time
        tries = 0
        while True:
            try:
                async with self._joins:
                    return await stack.enter_async_context(
                        self._client.open_session(
                            order.avatar_id,
                            duration=self._options.max_session,
                            on_created=lambda made: created(made.id),
                            **order.session,
                        )
                    )
            except BusyError:
                tries += 1
                pause = _BUSY.compute(tries)
                if time.monotonic() + pause > until:
                    raise
                await asyncio.sleep(pause)


async def _call(bot: BotSettings[Any], avatar: AvatarSession, order: JobOrder) -> None:
    await bot.function(avatar, *order.args, **order.kwargs)


async def _insist(call: Callable[[], Awaitable[T]]) -> T:
    """Repeats a call that the server has to get, while it can't be reached.

    Raises:
        FleetError: it couldn't be for two minutes.
    """
    until = time.monotonic() + _INSIST
    backoff, tries = FullJitterBackoff(cap=1.0, base=0.1), 0
    while True:
        try:
            return await call()
        except (RedisError, OSError) as error:
            tries += 1
            pause = backoff.compute(tries)
            if time.monotonic() + pause > until:
                raise FleetError(
                    f"the fleet's server can't be reached for {_INSIST:g} s: {type(error).__name__}"
                ) from error
            await asyncio.sleep(pause)


async def _first(*events: asyncio.Event, timeout: float) -> None:
    """Waits until one of the events is set, at most `timeout` seconds."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


async def _until(task: asyncio.Task[T], *events: asyncio.Event) -> asyncio.Task[T] | None:
    """Waits for the task or for one of the events; `None`: the task isn't over."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait([task, *waiting], return_when=asyncio.FIRST_COMPLETED)
    except BaseException:
        await _cancelled(task)
        raise
    finally:
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)
    return task if task.done() else None


async def _cancelled(task: asyncio.Task[Any]) -> None:
    """Cancels a task and waits for its end; what it raises is its own affair now."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.warning("a job that was being ended raised %s", type(error).__name__)
