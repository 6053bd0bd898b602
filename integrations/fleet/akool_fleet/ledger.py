"""The fleet's state in Redis or Valkey: seats, jobs, the journal of open sessions.

Each method is one script or one command, so that it happens whole or not at all. None of them
retries: who calls knows how long it may.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from akool_fleet import scripts
from akool_fleet.errors import JobNotFoundError

__all__ = ["ENDED", "FleetStatus", "JobState", "JobStatus", "Ledger", "SeatStatus"]

JobState = Literal["queued", "seated", "talking", "done", "failed", "cut_off"]
Seating = Literal["seated", "full", "duplicate"]

#: States that a job doesn't leave any more.
ENDED: Final = frozenset({"done", "failed", "cut_off"})
#: Jobs counted by one script: the server does nothing else meanwhile.
_COUNTED: Final = 2000


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What is known of a job. Times are seconds since 1970 by the server's clock.

    Attributes:
        id: the job's.
        bot: the name of the bot that it runs.
        state: "queued": waits for a seat; "seated": has one, its session is being opened;
            "talking": its session is open; "done"; "failed": the bot raised, or no session could be
            opened; "cut_off": its worker died, and its retries are used up.
        session_id: of the session it has, or had last.
        worker: which worker has or had it.
        attempts: how often it got a seat.
        error: why it failed; the name of an exception, and its text if it is the library's.
        queued_at, seated_at, talking_at, ended_at: `None`: not yet.
    """

    id: str
    bot: str
    state: JobState
    session_id: str | None
    worker: str | None
    attempts: int
    error: str | None
    queued_at: float
    seated_at: float | None
    talking_at: float | None
    ended_at: float | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class SeatStatus:
    """A seat that is taken. `lease` is in seconds from now; less than 0: it waits to be reaped."""

    job: JobStatus
    lease: float


@dataclass(frozen=True, slots=True)
class FleetStatus:
    """The fleet at one moment, by the server's clock.

    Attributes:
        now: seconds since 1970.
        waiting: jobs that wait for a seat.
        seats: the seats that are taken.
        unknown: seats held because a worker died before it learnt its session's id.
        orphans: open sessions that belong to no seat, seen by the last sweep.
        workers: id of each live worker -> seconds until its lease ends.
        jobs: how many jobs are in each state, those that ended up to `keep` seconds ago included.
    """

    now: float
    waiting: int
    seats: tuple[SeatStatus, ...]
    unknown: int
    orphans: int
    workers: Mapping[str, float]
    jobs: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """For `json.dumps`."""
        return asdict(self)


class Ledger:
    """The state of one fleet. Holds connections; `aclose` gives them back.

    Args:
        redis: a client that decodes its answers (`decode_responses=True`).
        name: the fleet's; fleets of different names share nothing.
        keep: seconds to keep what is known of a job that has ended.
    """

    def __init__(self, redis: Redis, *, name: str, keep: float) -> None:
        self.redis = redis
        self.prefix = f"akool:{{{name}}}:"
        self.queue = self.prefix + "queue"
        self.keep = int(keep)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self.redis.aclose()

    async def _run(self, script: str, *arguments: object) -> Any:
        values = [str(argument) for argument in arguments]
        return await cast("Any", self.redis.eval(script, 1, self.prefix, *values))

    async def now(self) -> float:
        """The server's clock: seconds since 1970."""
        seconds, micros = await cast("Any", self.redis.time())
        return float(seconds) + float(micros) / 1e6

    # Sending.

    async def enqueue(self, job: str, message: str, fields: Mapping[str, object]) -> bool:
        """Writes a job down and queues its message, both or neither. `False`: it exists."""
        pairs = [part for field in fields.items() for part in field]
        return bool(await self._run(scripts.ENQUEUE, job, message, *pairs))

    # Working. `token` names one attempt: who lost the seat can't act for it any more.

    async def acquire(
        self, job: str, token: str, worker: str, *, limit: int, lease: float
    ) -> Seating:
        """Takes a seat for a queued job, if one is free."""
        got = await self._run(scripts.ACQUIRE, job, token, worker, limit, lease)
        return cast("Seating", got)

    async def renew(self, worker: str, seats: Mapping[str, str], *, lease: float) -> list[str]:
        """Renews the leases of a worker and of its seats (job -> token); returns lost jobs."""
        pairs = [part for seat in seats.items() for part in seat]
        return list(await self._run(scripts.RENEW, worker, lease, *pairs))

    async def journal(self, job: str, token: str, session_id: str) -> bool:
        """Writes down which session the job pays for. `False`: its seat was lost."""
        return bool(await self._run(scripts.JOURNAL, job, token, session_id))

    async def conversed(
        self, job: str, token: str, state: Literal["done", "failed"], error: str = ""
    ) -> bool:
        """The bot is over; the session isn't closed yet. `False`: its seat was lost."""
        return bool(await self._run(scripts.CONVERSED, job, token, state, error))

    async def free(self, job: str, token: str, *, unknown: bool = False) -> bool:
        """The session is closed: another job may have the seat. `False`: it was lost.

        `unknown`: a session may have been created whose id isn't known; the seat is held until a
        sweep has looked for it.
        """
        return bool(await self._run(scripts.FREE, job, token, self.keep, int(unknown)))

    async def put_back(self, job: str, token: str | None, *, unknown: bool = False) -> bool:
        """Queues a job again and frees its seat, if it has one. `False`: it was lost.

        `unknown`: as for `free`.
        """
        return bool(await self._run(scripts.PUT_BACK, job, token or "", int(unknown)))

    async def pass_on(self, job: str, *, seconds: float) -> bool:
        """Queues a job's message again, for a worker that has its bot. `False`: none came for so
        many seconds, or it isn't queued any more.
        """
        return bool(await self._run(scripts.PASS_ON, job, seconds))

    # Reaping.

    async def take_expired(
        self, token: str, *, lease: float, force: bool = False
    ) -> tuple[str, str | None] | None:
        """A seat whose lease has ended, taken for the length of another: its job, and its session.

        `None` also until workers have renewed for the length of a lease, because before that every
        lease may have ended only since the server was away; `force` takes it all the same.
        """
        found = await self._run(scripts.TAKE_EXPIRED, token, lease, int(force))
        return (found[0], found[1] or None) if found else None

    async def settle(self, job: str, token: str) -> str:
        """Frees a reaped seat whose session is closed; returns what became of the job.

        A job that was cut off is queued again while it has retries. A seat whose session's id isn't
        known is kept as `unknown` until a sweep has looked for it.
        """
        return str(await self._run(scripts.SETTLE, job, token, self.keep))

    async def mark_orphans(self, open_sessions: Iterable[str], *, age: float) -> list[str]:
        """Those of the open sessions that no seat has had for `age` seconds of sweeps."""
        return list(await self._run(scripts.MARK_ORPHANS, age, *open_sessions))

    async def free_unknown(self, swept_at: float, *, create_time: float) -> int:
        """Frees seats of unknown sessions that a sweep, begun then, must have closed."""
        return int(await self._run(scripts.FREE_UNKNOWN, swept_at, create_time))

    async def sweep_is_mine(self, *, every: float) -> bool:
        """Whether who asks makes the next sweep: one does for the whole fleet."""
        return bool(await self._run(scripts.SWEEP, every))

    async def recover(self, group: str, *, lease: float, force: bool = False) -> int:
        """Queues again what dead workers had read from the queue without getting a seat; after a
        time without the server as `take_expired`.
        """
        return int(await self._run(scripts.RECOVER_WORKER, group, lease, int(force)))

    async def trim(self, group: str) -> None:
        """Drops from the queue what every worker is done with."""
        await self._run(scripts.TRIM, group, self.keep)

    async def retire(self, worker: str, group: str) -> int:
        """A worker ends in order: queues again what it read without getting a seat for it."""
        return int(await self._run(scripts.RETIRE, group, worker))

    # Draining.

    async def request_drain(self) -> None:
        """Asks every worker that runs now to drain."""
        await cast("Any", self.redis.set(self.prefix + "drain", await self.now(), ex=86_400))

    async def drain_requested(self, since: float) -> bool:
        """Whether workers that started at `since` (the server's clock) shall drain."""
        asked = await self.redis.get(self.prefix + "drain")
        return asked is not None and float(asked) >= since

    # Looking.

    async def job(self, job: str) -> JobStatus:
        """What is known of a job.

        Raises:
            JobNotFoundError: nothing.
        """
        fields = await cast("Any", self.redis.hgetall(f"{self.prefix}job:{job}"))
        if not fields:
            raise JobNotFoundError(f"no job {job!r} is known to this fleet")
        return _status(job, fields)

    async def fields(self, job: str) -> dict[str, str]:
        """A job as it was written down; empty: it doesn't exist."""
        return dict(await cast("Any", self.redis.hgetall(f"{self.prefix}job:{job}")))

    async def status(self) -> FleetStatus:
        """The whole fleet."""
        prefix = self.prefix
        pipe = self.redis.pipeline(transaction=True)
        pipe.time()
        pipe.zrange(prefix + "seats", 0, -1, withscores=True)
        pipe.zcard(prefix + "unknown")
        pipe.hlen(prefix + "orphans")
        pipe.zrange(prefix + "workers", 0, -1, withscores=True)
        pipe.zcard(prefix + "jobs")
        (seconds, micros), seats, unknown, orphans, workers, known = await pipe.execute()
        now = float(seconds) + float(micros) / 1e6
        jobs = await self._jobs([job for job, _ in seats])
        counts: dict[str, int] = {}
        for start in range(0, known, _COUNTED):
            found = await self._run(scripts.COUNT, start, start + _COUNTED - 1)
            for state, count in zip(found[::2], found[1::2], strict=True):
                counts[state] = counts.get(state, 0) + int(count)
        taken = tuple(SeatStatus(jobs[job], lease - now) for job, lease in seats if job in jobs)
        return FleetStatus(
            now=now,
            waiting=counts.get("queued", 0),
            seats=taken,
            unknown=unknown,
            orphans=orphans,
            workers={worker: end - now for worker, end in workers},
            jobs=counts,
        )

    async def _jobs(self, ids: Sequence[str]) -> dict[str, JobStatus]:
        found: dict[str, JobStatus] = {}
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            pipe = self.redis.pipeline(transaction=False)
            for job in some:
                pipe.hgetall(f"{self.prefix}job:{job}")
            for job, fields in zip(some, await pipe.execute(), strict=True):
                if fields:
                    found[job] = _status(job, fields)
        return found


def _status(job: str, fields: Mapping[str, str]) -> JobStatus:
    def at(name: str) -> float | None:
        return float(fields[name]) if fields.get(name) else None

    return JobStatus(
        id=job,
        bot=fields.get("bot", ""),
        state=cast("JobState", fields.get("state", "queued")),
        session_id=fields.get("session_id") or None,
        worker=fields.get("worker") or None,
        attempts=int(fields.get("attempts", 0)),
        error=fields.get("error") or None,
        queued_at=at("queued") or 0.0,
        seated_at=at("seated"),
        talking_at=at("talking"),
        ended_at=at("ended"),
    )


async def declare_group(redis: Redis, queue: str, group: str) -> None:
    """Makes the queue and its group of readers, if they don't exist."""
    try:
        await cast("Any", redis.xgroup_create(queue, group, id="0", mkstream=True))
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
