"""The queue: taskiq over a Redis stream, reading on after the server was away.

Sending goes through `Ledger.enqueue`, which writes the job and its message in one script. A job's
message is acknowledged by the worker once the job has a seat (`ack_type="manual"`). What a worker
had read before that is put back by `Ledger.recover` once it is dead, and by `Ledger.retire` when it
ends in order; not by the broker's `idle_timeout`, which would also take messages from workers that
wait for a seat.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final

from redis.asyncio import Redis
from redis.backoff import FullJitterBackoff
from redis.exceptions import RedisError
from taskiq import AckableMessage, TaskiqMessage, TaskiqMiddleware, TaskiqResult
from taskiq.utils import maybe_awaitable
from taskiq_redis import RedisStreamBroker

from akool_fleet.errors import FleetError
from akool_fleet.waiting import pass_on_cancellation

__all__ = ["GROUP", "FleetBroker", "Outcome"]

logger = logging.getLogger("akool_fleet")

GROUP: Final = "workers"


class FleetBroker(RedisStreamBroker):
    """`RedisStreamBroker` that loses no message when the connection to the server breaks.

    The server hands a message out with its answer to a read. Where that answer is lost, the
    message is this consumer's by the server's books and never comes again by itself. So after each
    failure the broker first reads what is still its own, and passes on what it hasn't seen.
    """

    def __init__(self, url: str, *, queue: str, worker: str) -> None:
        super().__init__(
            url,
            queue_name=queue,
            consumer_group_name=GROUP,
            consumer_name=worker,
            consumer_id="0",
            xread_block=500,
            xread_count=1,
            socket_timeout=10,
            socket_connect_timeout=5,
        )
        #: Passed on and not acknowledged yet, by the ids of the stream.
        self._taken: set[bytes] = set()

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """Messages, for ever; a lost connection is tried again with growing pauses."""
        backoff, failures, connected = FullJitterBackoff(cap=2.0, base=0.1), 0, True
        while True:
            try:
                if not connected:
                    await self._declare_consumer_group()
                # "0": what was handed out to this consumer and isn't acknowledged, all of it.
                messages = await self._read(">" if connected else "0")
            except (RedisError, OSError) as error:
                connected = False
                failures += 1
                pause = backoff.compute(failures)
                logger.warning(
                    "the queue can't be read (%s); trying again in %.1f s",
                    type(error).__name__,
                    pause,
                )
                await asyncio.sleep(pause)
                continue
            connected, failures = True, 0
            for message, fields in messages:
                if message in self._taken or not fields:
                    continue  # without fields: it was deleted from the queue
                self._taken.add(message)
                yield AckableMessage(data=fields[b"data"], ack=self._acknowledgement(message))
            pass_on_cancellation()  # of this step: each may run in a task of its own

    async def _read(self, start: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        async with Redis(connection_pool=self.connection_pool) as redis:
            answer: Any = await redis.xreadgroup(
                GROUP,
                self.consumer_name,
                {self.queue_name: start},
                block=self.block if start == ">" else None,
                count=self.count if start == ">" else None,
            )
        return answer[0][1] if answer else []

    def _acknowledgement(self, message: bytes) -> Callable[[], Awaitable[None]]:
        async def acknowledge() -> None:
            async with Redis(connection_pool=self.connection_pool) as redis:
                await redis.xack(self.queue_name, GROUP, message)
            self._taken.discard(message)

        return acknowledge


class Outcome(TaskiqMiddleware):
    """Makes a job that failed an error to the other middlewares, without a traceback in the log.

    It has to be the last one: the queue's library asks the last one first after a job.
    """

    async def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        """Changes the result before the others see it."""
        if result.error is not None or result.return_value not in ("failed", "left open", "lost"):
            return
        result.is_err = True
        result.error = error = FleetError(f"job {message.task_id}: {result.return_value}")
        for middleware in reversed(self.broker.middlewares):
            if type(middleware).on_error is not TaskiqMiddleware.on_error:
                await maybe_awaitable(middleware.on_error(message, result, error))
