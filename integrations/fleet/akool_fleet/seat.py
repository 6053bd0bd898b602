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
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from redis.backoff import FullJitterBackoff
from taskiq import Context

from akool_async import AkoolClient, AvatarSession
from akool_async.errors import (
    AkoolError,
    BusyError,
    SessionLeftOpenError,
)
from akool_fleet.bots import BotSettings, JobOrder, read_order
from akool_fleet.errors import FleetError, LeaseLostError
from akool_fleet.ledger import Ledger
from akool_fleet.options import FleetOptions
from akool_fleet.waiting import cancelled, insist, until, until_set

__all__ = ["Seats"]

logger = logging.getLogger("akool_fleet")

#: Seconds between two tries to get a seat: short at first, then longer.
_ASK: Final = FullJitterBackoff(cap=1.0, base=0.1)
#: Seconds between two tries to create a session while every slot of the account is busy.
_BUSY: Final = FullJitterBackoff(cap=10.0, base=0.5)
#: Seconds for which a job waits for a worker that has its bot, as during a deployment.
_ANOTHER: Final = 600.0
#: Seconds for which the answer to a create under way is awaited before it is cancelled.
_ANSWER: Final = 10.0
#: Seconds beyond `max_session` that a bot gets for what it does after its session.
_AFTER: Final = 60.0
#: Seconds for which a bot that was cancelled may go on, before and after its session is closed.
_CANCEL: Final = 5.0


@dataclass(slots=True)
class _Seat:
    """One attempt of a job, and what is known of its session.

    Attributes:
        token: names the attempt: who lost the seat can't act for it any more.
        lost: set when the seat was given to another worker.
        named: set when the session's id is known.
        session_id: of the session that was created.
        unknown: the service may have created a session whose id isn't known.
        opened: the session has an owner that closes it, or says that it couldn't.
        finishes: a draining worker waits for its bot.
    """

    job: str
    token: str
    finishes: bool = False
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    named: asyncio.Event = field(default_factory=asyncio.Event)
    session_id: str | None = None
    unknown: bool = False
    opened: bool = False

    def check(self) -> None:
        """Raises LeaseLostError where another worker has the seat."""
        if self.lost.is_set():
            raise LeaseLostError(f"the seat of job {self.job} was given to another worker")


class Seats:
    """The jobs of one worker process.

    Attributes:
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
        self._taken: dict[str, _Seat] = {}
        self._running: set[asyncio.Task[Any]] = set()
        #: Bots that went on after they were cancelled; kept so that they aren't lost.
        self._stubborn: set[asyncio.Task[Any]] = set()
        self.draining = asyncio.Event()
        self.hurrying = asyncio.Event()

    @property
    def held(self) -> dict[str, str]:
        """Job -> token of each seat that this process has."""
        return {job: seat.token for job, seat in self._taken.items()}

    @property
    def finishing(self) -> int:
        """How many of them a draining process waits for."""
        return sum(seat.finishes for seat in self._taken.values())

    def lose(self, job: str, token: str) -> None:
        """The seat of this attempt was given to another worker."""
        if (seat := self._taken.get(job)) is not None and seat.token == token:
            seat.lost.set()

    async def hand_over(self) -> None:
        """Closes and puts back whatever runs, and waits until that is done."""
        self.draining.set()
        self.hurrying.set()
        if self._running:
            await asyncio.wait(self._running)

    async def run(self, job: str, context: Context) -> str:
        """Runs a job whose message was read; returns what became of it."""
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            return await self._run(job, context)
        finally:
            self._running.discard(task)

    async def _run(self, job: str, context: Context) -> str:
        fields = await insist(lambda: self._ledger.fields(job))
        bot = self._bots.get(fields.get("bot", ""))
        if fields and bot is None and await self._passed_on(job):
            await insist(context.ack)
            return "passed on"
        finishes = bot is not None and bot.drain == "finish"
        seat = _Seat(job, uuid.uuid4().hex, finishes)
        got = await self._acquire(seat)
        if got != "seated":
            await insist(context.ack)
            return got
        self._taken[job] = seat
        logger.info("job %s has a seat", job)
        try:
            # A message that can't be acknowledged is harmless: a job that is seated gets no second
            # seat.
            await insist(context.ack)
            state = await self._seated(seat, bot, fields)
            logger.info("job %s is %s", job, state)
            return state
        finally:
            del self._taken[job]

    async def _passed_on(self, job: str) -> bool:
        """A worker of another version may have the bot that this one hasn't."""
        await until_set(self.draining, timeout=_ASK.compute(10))
        return await insist(lambda: self._ledger.pass_on(job, seconds=_ANOTHER))

    async def _acquire(self, seat: _Seat) -> str:
        tries = 0
        while True:
            if self.draining.is_set():
                await insist(lambda: self._ledger.put_back(seat.job, None))
                return "handed back"
            got = await insist(
                partial(
                    self._ledger.acquire,
                    *(seat.job, seat.token, self._worker),
                    limit=self._options.limit,
                    lease=self._options.lease,
                )
            )
            if got != "full":
                return got
            tries += 1
            await until_set(self.draining, timeout=_ASK.compute(tries))

    async def _seated(
        self, seat: _Seat, bot: BotSettings[Any] | None, fields: Mapping[str, str]
    ) -> str:
        job, token, ledger = seat.job, seat.token, self._ledger
        state = "failed"
        try:
            if bot is None:
                await self._over(seat, "failed", f"no worker has a bot {fields['bot']!r}")
            else:
                state = await self._converse(bot, read_order(fields["order"]), seat)
        except LeaseLostError:
            return "lost"
        except SessionLeftOpenError as error:
            # What became of the bot is written down: a job that was done stays done.
            return self._left_open(seat, error)
        except AkoolError as error:  # the session couldn't be opened
            await self._over(seat, "failed", f"{type(error).__name__}: {error}")
        if seat.session_id is not None and not seat.opened:
            # Opening it failed, or was cancelled, and so may have closing it.
            try:
                await self._client.sessions.close(seat.session_id)
            except AkoolError as error:
                return self._left_open(seat, error)
        if state == "handed over":
            await insist(lambda: ledger.put_back(job, token, unknown=seat.unknown))
        else:
            await insist(lambda: ledger.free(job, token, unknown=seat.unknown))
        return state

    def _left_open(self, seat: _Seat, error: AkoolError) -> str:
        # The lease runs out, and the reaper closes the session before it frees the seat.
        logger.error("job %s keeps its seat until its session is closed: %s", seat.job, error)
        return "left open"

    async def _over(self, seat: _Seat, state: Literal["done", "failed"], error: str = "") -> None:
        """Writes down how the bot ended, before the session is closed: a worker that dies then
        leaves no job to be run again.
        """
        if not await insist(
            lambda: self._ledger.conversed(seat.job, seat.token, state, error[:300])
        ):
            seat.lost.set()
            seat.check()

    async def _converse(self, bot: BotSettings[Any], order: JobOrder, seat: _Seat) -> str:
        """Opens the session, runs the bot, closes the session.

        Raises:
            LeaseLostError: another worker has the seat; the session is closed all the same.
            SessionLeftOpenError: it couldn't be closed.
            AkoolError: no session could be opened.
        """
        leave = self.hurrying if seat.finishes else self.draining
        async with AsyncExitStack() as session:
            opening = asyncio.create_task(self._open(session, order, seat))
            if await until(opening, seat.lost, leave) is None:
                if seat.unknown:  # its answer is awaited, so that the session can be closed
                    await until(opening, seat.named, timeout=_ANSWER)
                await cancelled(opening)
                seat.check()
                return "handed over"
            state, error = await self._talk(bot, opening.result(), order, seat, leave)
            if state != "handed over":
                await self._over(seat, state, error)
        return state

    async def _talk(
        self,
        bot: BotSettings[Any],
        avatar: AvatarSession,
        order: JobOrder,
        seat: _Seat,
        leave: asyncio.Event,
    ) -> tuple[Literal["done", "failed", "handed over"], str]:
        """Runs the bot; returns what became of it, and why it failed.

        Raises:
            LeaseLostError: another worker has the seat.
        """
        talking = asyncio.create_task(_call(bot, avatar, order))
        limit = self._options.max_session + _AFTER
        if await until(talking, seat.lost, leave, timeout=limit) is None:
            if not await cancelled(talking, timeout=_CANCEL):
                await self._abandon(talking, avatar, seat)
            seat.check()
            if leave.is_set():
                return "handed over", ""
            return "failed", f"the bot didn't end within {limit:g} s"
        if talking.cancelled():  # by itself
            return "failed", "CancelledError"
        error = talking.exception()
        if error is None:
            return "done", ""
        if isinstance(error, AkoolError):
            return "failed", f"{type(error).__name__}: {error}"
        logger.error("the bot of job %s raised", seat.job, exc_info=error)
        # Its text may quote what people said, so only its type is kept.
        return "failed", type(error).__name__

    async def _abandon(
        self, talking: asyncio.Task[None], avatar: AvatarSession, seat: _Seat
    ) -> None:
        """A bot that ignores being cancelled loses its session first."""
        self._stubborn.add(talking)
        talking.add_done_callback(self._stubborn.discard)
        await avatar.aclose()
        if not await cancelled(talking, timeout=_CANCEL):
            logger.error(
                "the bot of job %s goes on after it was cancelled twice: it hinders its worker's"
                " end; let CancelledError through",
                seat.job,
            )

    async def _open(self, stack: AsyncExitStack, order: JobOrder, seat: _Seat) -> AvatarSession:
        async def created(session_id: str) -> None:
            seat.session_id, seat.unknown = session_id, False
            seat.named.set()
            if not await insist(lambda: self._ledger.journal(seat.job, seat.token, session_id)):
                seat.lost.set()
                seat.check()

        end = time.monotonic() + self._options.create_time
        tries = 0
        while True:
            try:
                async with self._joins:
                    opening = self._client.open_session(
                        order.avatar_id,
                        duration=self._options.max_session,
                        on_created=lambda made: created(made.id),
                        **order.session,
                    )
                    seat.unknown = True
                    avatar = await stack.enter_async_context(opening)
                    seat.opened = True
                    return avatar
            except BusyError:
                seat.unknown = False
                tries += 1
                pause = _BUSY.compute(tries)
                if time.monotonic() + pause > end:
                    raise
                await asyncio.sleep(pause)
            except AkoolError as error:
                seat.unknown = seat.unknown and error.may_have_acted
                raise


async def _call(bot: BotSettings[Any], avatar: AvatarSession, order: JobOrder) -> None:
    try:
        await bot.function(avatar, *order.args, **order.kwargs)
    except SystemExit as error:
        # It would end the process, and with it every other bot's session.
        raise FleetError("the bot called sys.exit, which ends nothing here: return") from error
