"""Workers in the test's own event loop, against a simulated service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from akool_fleet import Fleet, Worker

from akool_async import AkoolClient
from akool_async.simulator import Simulator

AVATAR = "dvp_Tristan_cloth2_1080P"
#: What a job is sent with.
SENT: dict[str, Any] = {"avatar_id": AVATAR, "stream_type": "trtc"}


def client_of(service: Simulator, **options: Any) -> Callable[[], AkoolClient]:
    """For `Fleet(client=…)`."""
    return partial(AkoolClient, "any", base_url=service.url, **options)


@asynccontextmanager
async def working(fleet: Fleet, worker: str = "w") -> AsyncIterator[Worker]:
    """A worker that hands over what it has at the end of the block."""
    one = Worker(fleet, worker=worker)
    running = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        one.drain()
        one.drain()
        await asyncio.wait_for(running, 60)


async def until(condition: Callable[[], bool]) -> None:
    """Waits for it, at most a minute."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)
