"""`Fleet`: many bots over many processes, with a limit on the sessions that are paid for."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Generic, ParamSpec, Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import FullJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from taskiq import TaskiqMessage, TaskiqMiddleware
from taskiq.formatters.json_formatter import JSONFormatter

from akool_async import AkoolClient, AvatarSession
from akool_async.errors import InvalidParameterError
from akool_async.validation import text
from akool_fleet.bots import (
    BotFunction,
    BotSettings,
    check_arguments,
    check_function,
    write_order,
)
from akool_fleet.broker import GROUP, FleetBroker, Outcome
from akool_fleet.errors import JobWaitTimeoutError
from akool_fleet.ledger import FleetStatus, JobStatus, Ledger, declare_group
from akool_fleet.options import Account, Drain, FleetOptions

__all__ = ["TASK", "Bot", "Fleet", "Job"]

P = ParamSpec("P")
#: The one task of the queue; which bot runs is in the job.
TASK: Final = "akool_fleet.run"
_FORMATTER: Final = JSONFormatter()


class Fleet:
    """Sends jobs to bots, and is what `akool fleet work` runs them by.

        fleet = Fleet("redis://localhost", limit=25)

        @fleet.bot(drain="hand_over", retries=1)
        async def greeter(avatar, customer: str):
            await avatar.say(f"Hello {customer}").spoken()

        async with fleet:
            job = await greeter.send("Ada", avatar_id="dvp_Tristan_cloth2_1080P")
            status = await job.wait()

    A job gets a seat before its session is created, and the seat is free again only after that
    session is closed. So at most `limit` sessions are open, whichever worker dies when.
    """

    def __init__(
        self,
        url: str = "redis://localhost",
        *,
        limit: int,
        max_session: int = 900,
        account: Account = "shared",
        name: str = "default",
        lease: float = 30.0,
        create_time: float = 90.0,
        sweep_every: float = 30.0,
        sessions_per_process: int = 25,
        joins_at_once: int = 4,
        drain_timeout: float = 900.0,
        keep: float = 86_400.0,
        credits_per_hour: float | None = None,
        client: Callable[[], AkoolClient] = AkoolClient,
        middlewares: Sequence[TaskiqMiddleware] = (),
    ) -> None:
        """Connects to nothing yet.

        Args:
            url: of a Redis (6.2 or newer) or Valkey server; `rediss://` for TLS.
            limit: sessions that may be open at once, over all processes.
            max_session: seconds; the `duration` of every session, so that the service ends what
                nothing else did.
            account: "exclusive": every session of the account is this fleet's, so one that no
                worker knows is closed; "shared": those of others are left alone, and a seat whose
                worker died during create is held for `max_session` seconds.
            name: fleets of different names on one server share nothing.
            lease: seconds after which a worker that renews nothing counts as dead. Renewed at a
                quarter of it. Longer than the server may be unreachable.
            create_time: seconds within which a session must be created.
            sweep_every: seconds between two looks at the account's open sessions.
            sessions_per_process: at once, in each worker process.
            joins_at_once: sessions that one process opens at the same time.
            drain_timeout: seconds that bots with `drain="finish"` get to finish.
            keep: seconds to keep what is known of a job that has ended.
            credits_per_hour: what one open session takes by your plan; for `akool fleet status`
                alone. The service documents no price.
            client: makes each worker's `AkoolClient`.
            middlewares: taskiq's, for the queue of each worker: Prometheus, OpenTelemetry. A job
                that failed is an error to them.

        Raises:
            InvalidParameterError: a value that is out of range; names it.
        """
        self.options = FleetOptions.checked(
            url=url,
            limit=limit,
            max_session=max_session,
            account=account,
            name=name,
            lease=lease,
            create_time=create_time,
            sweep_every=sweep_every,
            sessions_per_process=sessions_per_process,
            joins_at_once=joins_at_once,
            drain_timeout=drain_timeout,
            keep=keep,
            credits_per_hour=credits_per_hour,
        )
        if not callable(client):
            raise InvalidParameterError("client", "must be callable: it makes an AkoolClient")
        for middleware in middlewares:
            if not isinstance(middleware, TaskiqMiddleware):
                kind = type(middleware).__name__
                raise InvalidParameterError("middlewares", f"{kind} isn't a TaskiqMiddleware")
        self.client = client
        self.middlewares = tuple(middlewares)
        self.bots: dict[str, BotSettings[Any]] = {}
        self._ledger: Ledger | None = None

    def __repr__(self) -> str:
        return f"Fleet(name={self.options.name!r}, limit={self.options.limit})"

    # Bots.

    def bot(
        self, *, drain: Drain = "finish", retries: int = 0, name: str | None = None
    ) -> Callable[[BotFunction[P]], Bot[P]]:
        """Decorator: an async function of an `AvatarSession` and its job's arguments.

        Args:
            drain: what happens to a running job when its worker is asked to end: "finish": the
                worker waits for it; "hand_over": its session is closed, and another worker runs the
                job from its start.
            retries: how often a job is run again after its worker died. A bot that raises isn't
                run again.
            name: the function's by default; workers find it by this name.

        Raises:
            InvalidParameterError: a wrong value, or a name that is taken.
        """
        if drain not in ("finish", "hand_over"):
            raise InvalidParameterError("drain", f"{drain!r} isn't 'finish' or 'hand_over'")
        if isinstance(retries, bool) or not isinstance(retries, int) or not 0 <= retries <= 100:
            raise InvalidParameterError("retries", "must be a whole number from 0 to 100")

        def register(function: BotFunction[P]) -> Bot[P]:
            called = text("name", getattr(function, "__name__", "") if name is None else name)
            if called in self.bots:
                raise InvalidParameterError("name", f"there is a bot named {called!r} already")
            check_function(called, function)
            settings = BotSettings(called, function, drain, retries)
            self.bots[called] = settings
            return Bot(self, settings)

        return register

    # Connections.

    async def __aenter__(self) -> Self:
        if self._ledger is not None:
            raise RuntimeError("the fleet is connected already; enter it once at a time")
        self._ledger = self.make_ledger()
        try:
            await declare_group(self._ledger.redis, self._ledger.queue, GROUP)
        except BaseException:
            await self._ledger.aclose()
            self._ledger = None
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            await ledger.aclose()

    def make_ledger(self) -> Ledger:
        """A connection pool of its own to the fleet's state."""
        redis: Redis = Redis.from_url(
            self.options.url,
            decode_responses=True,
            socket_timeout=5,
            socket_connect_timeout=5,
            retry=Retry(
                FullJitterBackoff(cap=1.0, base=0.05),
                3,
                supported_errors=(RedisConnectionError, RedisTimeoutError),
            ),
        )
        return Ledger(redis, name=self.options.name, keep=self.options.keep)

    def make_broker(self, ledger: Ledger, *, worker: str) -> FleetBroker:
        """The queue, for one worker process."""
        broker = FleetBroker(self.options.url, queue=ledger.queue, worker=worker)
        broker.formatter = _FORMATTER
        broker.is_worker_process = True  # what counts only workers looks at it
        broker.add_middlewares(*self.middlewares, Outcome())
        return broker

    @property
    def ledger(self) -> Ledger:
        """The fleet's state.

        Raises:
            RuntimeError: outside `async with fleet`.
        """
        if self._ledger is None:
            raise RuntimeError("use the fleet inside `async with fleet:`; it isn't connected here")
        return self._ledger

    # Looking and steering.

    def job(self, job_id: str) -> Job:
        """A job that was sent before, here or elsewhere."""
        return Job(self, job_id)

    async def status(self) -> FleetStatus:
        """Seats, waiting jobs, workers."""
        return await self.ledger.status()

    async def drain(self) -> None:
        """Asks every worker that runs now to end in order; those started later aren't asked."""
        await self.ledger.request_drain()


class Bot(Generic[P]):
    """A registered bot; `send` queues a job for it. Made by `Fleet.bot`."""

    def __init__(self, fleet: Fleet, settings: BotSettings[P]) -> None:
        self._fleet = fleet
        self.settings = settings

    def __repr__(self) -> str:
        return f"Bot({self.settings.name!r})"

    async def __call__(self, avatar: AvatarSession, *args: P.args, **kwargs: P.kwargs) -> object:
        """Runs the bot here and now, in a session that is open: for tests."""
        return await self.settings.function(avatar, *args, **kwargs)

    async def send(
        self,
        *args: Any,
        avatar_id: str,
        stream_type: str = "livekit",
        session: Mapping[str, Any] | None = None,
        job_id: str | None = None,
        **kwargs: Any,
    ) -> Job:
        """Queues a job. Its arguments are kept in Redis as JSON: send ids rather than secrets.

        Args:
            *args: for the bot, after its avatar.
            avatar_id: a streaming avatar's.
            stream_type: the room's kind.
            session: further keywords of `open_session`, for example `{"voice_id": "…"}`; all that
                JSON can hold, but `renew`, `take_over` and `legacy`.
            job_id: sent twice, a job is queued once; a random one by default.
            **kwargs: for the bot.

        Raises:
            InvalidParameterError: a value that JSON can't hold, arguments that the bot doesn't
                take, or a wrong session field; nothing was written.
            RuntimeError: outside `async with fleet`.
            RedisError: the server can't be reached; it may have been queued. Sent again with the
                same `job_id`, it is queued once.
        """
        settings = self.settings
        check_arguments(settings, args, kwargs)
        order = write_order(avatar_id, stream_type, args, kwargs, session)
        job = uuid.uuid4().hex if job_id is None else text("job_id", job_id, max_length=200)
        message = TaskiqMessage(
            task_id=job,
            task_name=TASK,
            labels={"ack_type": "manual"},
            args=[job],
            kwargs={},
        )
        written = _FORMATTER.dumps(message).message.decode()
        fields = {"bot": settings.name, "order": order, "retries": settings.retries}
        await self._fleet.ledger.enqueue(job, written, fields)
        return Job(self._fleet, job)


class Job:
    """A job that was sent."""

    def __init__(self, fleet: Fleet, job_id: str) -> None:
        self._fleet = fleet
        self.id = job_id

    def __repr__(self) -> str:
        return f"Job({self.id!r})"

    async def status(self) -> JobStatus:
        """What is known of it.

        Raises:
            JobNotFoundError: nothing: it expired, or was never sent.
        """
        return await self._fleet.ledger.job(self.id)

    async def wait(self, *, timeout: float = 3600.0, every: float = 0.5) -> JobStatus:
        """Its status once it is done, failed or cut off.

        Args:
            timeout: seconds.
            every: seconds between two looks.

        Raises:
            JobWaitTimeoutError: it hasn't ended in time; it goes on.
            JobNotFoundError: it isn't known.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        while not (status := await self.status()).ended:
            left = until - loop.time()
            if left <= 0:
                raise JobWaitTimeoutError(
                    f"job {self.id} is still {status.state} after {timeout:g} s"
                )
            await asyncio.sleep(min(every, left))
        return status
