"""A trial: a simulated service in this process, a real server, workers that are processes.

The judge is the service: which sessions were ever open at the same time, and which still are.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from akool_fleet import Fleet, Job
from akool_fleet.server import LocalServer
from most_open import most_open
from redis.asyncio import Redis

from akool_async.simulator import Simulator

AVATAR = "dvp_Tristan_cloth2_1080P"
HERE = Path(__file__).parent


class Trial:
    """What a test of a whole fleet needs."""

    def __init__(
        self, fleet: Fleet, service: Simulator, server: LocalServer, environment: dict[str, str]
    ) -> None:
        self.fleet = fleet
        self.service = service
        self.server = server
        self.environment = environment
        self.workers: list[asyncio.subprocess.Process] = []

    async def worker(self, **environment: str) -> asyncio.subprocess.Process:
        """Starts a worker, and waits until it is there."""
        before = set((await self.fleet.status()).workers)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "akool_async", "fleet", "work", "trial_bots:fleet"),
            cwd=HERE,
            env={**self.environment, **environment},
            start_new_session=True,
        )
        self.workers.append(process)
        async with asyncio.timeout(180):
            while set((await self.fleet.status()).workers) <= before:
                assert process.returncode is None, "the worker ended"
                await asyncio.sleep(0.05)
        return process

    async def send(self, bot: str, count: int, *arguments: Any) -> list[Job]:
        """Sends jobs; each gets its number, then `arguments`."""
        send = self.fleet.bot(name=bot, drain="hand_over", retries=5)(_unused)
        return [
            await send.send(str(n), *arguments, avatar_id=AVATAR, stream_type="trtc")
            for n in range(count)
        ]

    async def until_ended(self, jobs: list[Job], *, timeout: float = 300) -> dict[str, int]:
        """Waits until every job has ended and no seat is taken; how many are in each state."""
        async with asyncio.timeout(timeout):
            while True:
                status = await self.fleet.status()
                ended = sum(status.jobs.get(state, 0) for state in ("done", "failed", "cut_off"))
                if ended == len(jobs) and not status.seats and not status.unknown:
                    return dict(status.jobs)
                await asyncio.sleep(0.1)

    async def until_open(self, count: int, *, timeout: float = 180) -> None:
        """Waits until so many sessions are open."""
        async with asyncio.timeout(timeout):
            while len(self.service.open_sessions) < count:
                await asyncio.sleep(0.02)

    async def until_none_open(self, *, timeout: float = 180) -> None:
        """Waits until no session is open."""
        async with asyncio.timeout(timeout):
            while self.service.open_sessions:
                await asyncio.sleep(0.02)

    async def let_end(self) -> None:
        """Bots called `gated` end from now on."""
        redis = Redis.from_url(self.server.url)
        try:
            await redis.set("go", 1)
        finally:
            await redis.aclose()

    async def ended(self) -> dict[str, int]:
        """How often each job came to its end."""
        redis = Redis.from_url(self.server.url, decode_responses=True)
        try:
            runs = await redis.smembers("ended")
        finally:
            await redis.aclose()
        return dict(Counter(run.partition(":")[0] for run in runs))

    def most_open(self) -> int:
        """How many sessions were ever open at the same time."""
        return most_open(self.service)


async def _unused(avatar: object, *arguments: object) -> None:
    raise AssertionError("bots run in workers")


@asynccontextmanager
async def trial(**environment: str) -> AsyncIterator[Trial]:
    """A server, a service and a fleet; workers that are left at the end are killed."""
    with LocalServer() as server:
        async with Simulator(queue_time=0.0) as service:
            env = {
                **os.environ,
                "AKOOL_API_KEY": "any",
                "AKOOL_API_URL": service.url,
                "TRIAL_URL": server.url,
                "PYTHONPATH": str(HERE),
                **environment,
            }
            fleet = Fleet(server.url, limit=int(environment.get("TRIAL_LIMIT", "25")), name="trial")
            async with fleet:
                one = Trial(fleet, service, server, env)
                try:
                    yield one
                finally:
                    for worker in one.workers:
                        if worker.returncode is None:
                            os.killpg(worker.pid, signal.SIGKILL)
                            await worker.wait()
