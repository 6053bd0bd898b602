"""The queue: taskiq over a Redis stream, reading on after the server was away.

Sending goes through `Ledger.enqueue`, which writes the job and its message in one script. A job's
message is acknowledged by the worker once the job has a seat (`ack_type="manual"`). What a dead
worker had read before that is put back by `Ledger.recover` and not by the broker's own
`idle_timeout`, which would also take messages from workers that wait for a seat.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Final

from redis.backoff import FullJitterBackoff
from redis.exceptions import RedisError
from taskiq import AckableMessage
from taskiq_redis import RedisStreamBroker

__all__ = ["GROUP", "FleetBroker"]

logger = logging.getLogger("akool_fleet")

GROUP: Final = "workers"
#: Milliseconds; longer than any job waits for a seat, so that the broker itself takes nothing back.
_NEVER: Final = 7 * 86_400_000


class FleetBroker(RedisStreamBroker):
    """`RedisStreamBroker` whose `listen` goes on when the server comes back."""

    def __init__(self, url: str, *, queue: str, worker: str) -> None:
        super().__init__(
            url,
            queue_name=queue,
            consumer_group_name=GROUP,
            consumer_name=worker,
            consumer_id="0",
            xread_block=500,
            xread_count=1,
            idle_timeout=_NEVER,
            unacknowledged_lock_timeout=5,
            socket_timeout=10,
            socket_connect_timeout=5,
        )

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """Messages, for ever; a lost connection is tried again with growing pauses."""
        backoff, failures = FullJitterBackoff(cap=2.0, base=0.1), 0
        while True:
            messages = super().listen()
            try:
                async for message in messages:
                    failures = 0
                    yield message
            except (RedisError, OSError) as error:
                failures += 1
                pause = backoff.compute(failures)
                logger.warning(
                    "the queue can't be read (%s); trying again in %.1f s",
                    type(error).__name__,
                    pause,
                )
                await asyncio.sleep(pause)
                await self._declare_again()
            finally:
                await messages.aclose()

    async def _declare_again(self) -> None:
        """A server that came back empty has lost the group of readers."""
        try:
            await self._declare_consumer_group()
        except (RedisError, OSError) as error:
            logger.debug("the queue's group can't be declared yet: %s", type(error).__name__)
