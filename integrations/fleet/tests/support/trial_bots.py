"""The bots of the trials; workers are processes of their own and take their settings from here."""

from __future__ import annotations

import asyncio
import os
import time

from akool_fleet import Fleet
from redis.asyncio import Redis

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
    lease=float(os.environ.get("TRIAL_LEASE", "2")),
    create_time=float(os.environ.get("TRIAL_CREATE_TIME", "3")),
    sweep_every=0.5,
)


async def count(name: str, job: str) -> None:
    redis = Redis.from_url(URL)
    try:
        await redis.hincrby(name, job, 1)
    finally:
        await redis.aclose()


@fleet.bot(drain="hand_over", retries=5)
async def visit(avatar: AvatarSession, job: str, seconds: float) -> None:
    """Talks for a while; its end is counted, so that a job done twice is seen."""
    await asyncio.sleep(seconds)
    await count("ended", job)


@fleet.bot(drain="finish")
async def patient(avatar: AvatarSession, job: str, seconds: float) -> None:
    """As `visit`, but a draining worker waits for it."""
    await asyncio.sleep(seconds)
    await count("ended", job)


@fleet.bot(retries=5)
async def failing(avatar: AvatarSession, job: str) -> None:
    """Raises, once its session is open."""
    await count("ended", job)
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
