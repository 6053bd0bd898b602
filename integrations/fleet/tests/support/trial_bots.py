"""The bots of the trials; workers are processes of their own and take their settings from here."""

from __future__ import annotations

import asyncio
import os
import time
import uuid

from akool_fleet import Fleet
from redis.asyncio import Redis
from redis.exceptions import RedisError

from akool_async import AvatarSession

URL = os.environ["TRIAL_URL"]
if wrong := float(os.environ.get("TRIAL_CLOCK", "0")):
    _right = time.time
    time.time = lambda: _right() + wrong

fleet = Fleet(
    URL,
    limit=int(os.environ.get("TRIAL_LIMIT", "25")),
    max_session=int(os.environ.get("TRIAL_MAX_SESSION", "120")),
    account=os.environ.get("TRIAL_ACCOUNT", "exclusive"),  # type: ignore[arg-type]
    name="trial",
    lease=float(os.environ.get("TRIAL_LEASE", "5")),
    create_time=float(os.environ.get("TRIAL_CREATE_TIME", "3")),
    sweep_every=0.5,
)


async def count(job: str) -> None:
    """Writes down that a run of the job came to its end.

    Trials stop and restart the server, and the bot must not fail by that: it tries again until the
    server answers. Each run is a member of its own, so a try whose answer was lost counts once.
    """
    run = f"{job}:{uuid.uuid4().hex}"
    until = time.monotonic() + 60
    while True:
        redis = Redis.from_url(URL, socket_timeout=5, socket_connect_timeout=5)
        try:
            await redis.sadd("ended", run)
        except (RedisError, OSError):
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.2)
        else:
            return
        finally:
            await redis.aclose()


@fleet.bot(drain="hand_over", retries=5)
async def visit(avatar: AvatarSession, job: str, seconds: float) -> None:
    """Talks for a while; its end is counted, so that a job done twice is seen."""
    await asyncio.sleep(seconds)
    await count(job)


@fleet.bot(drain="hand_over", retries=5)
async def gated(avatar: AvatarSession, job: str) -> None:
    """Talks until the trial lets it end.

    Where workers are killed: one that dies after its bot did its work, and before that is written
    down, is run again. That moment is short, and on a busy machine it isn't.
    """
    redis = Redis.from_url(URL)
    try:
        while not await redis.exists("go"):
            await asyncio.sleep(0.2)
    finally:
        await redis.aclose()
    await count(job)


@fleet.bot(drain="finish")
async def patient(avatar: AvatarSession, job: str, seconds: float) -> None:
    """As `visit`, but a draining worker waits for it."""
    await asyncio.sleep(seconds)
    await count(job)


@fleet.bot(retries=5)
async def failing(avatar: AvatarSession, job: str) -> None:
    """Raises, once its session is open."""
    await count(job)
    raise ValueError("a text that no one should read in a log of the fleet")


@fleet.bot()
async def asking(avatar: AvatarSession, question: str) -> None:
    """Asks."""
    reply = await avatar.ask(question)
    redis = Redis.from_url(URL)
    try:
        await redis.set("answer", reply.text)
    finally:
        await redis.aclose()
