"""What waits to be sent: its order, its pace, its withdrawal, and what keeps it from being sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from akool_async.concurrency import Flag
from akool_async.errors import SendError
from akool_async.stream import PacketLimits, QueuedPacket, SendQueue

__all__ = ["HoldReason", "Outbox"]

#: Why nothing is sent: the connection is interrupted; the avatar isn't in the room; another session
#: takes over.
HoldReason = Literal["connection", "avatar", "renewal"]


class Outbox:
    """A `SendQueue` that can be held, and waited for. Synchronous but for the waiting itself.

    `wake()` is called when `next` may have another answer than before.
    """

    def __init__(
        self, limits: PacketLimits, *, waiting_bytes: int, wake: Callable[[], None]
    ) -> None:
        self._queue = SendQueue(limits)
        self._most = waiting_bytes
        self._wake = wake
        self._holds: tuple[HoldReason, ...] = ()
        self._ended = False
        self._gone = Flag()

    def push(
        self,
        key: str,
        packets: Sequence[bytes | QueuedPacket],
        *,
        urgent: bool = False,
        more: bool = False,
    ) -> None:
        """Adds packets of one message; those of a key stay in order, urgent ones go first.

        `more`: others of this key will follow.
        """
        self._queue.push(key, packets, urgent=urgent, more=more)
        self._wake()

    def next(self, now: float) -> QueuedPacket | float | None:
        """The packet to send now, or the time when to ask again, or `None`: nothing can be sent."""
        return None if self._ended or self._holds else self._queue.next(now)

    def cancel(self, key: str) -> int:
        """Takes back what waits under a key; returns how many packets were dropped."""
        dropped = self._queue.cancel(key).packets_dropped
        self.packets_gone()
        return dropped

    def packets_gone(self) -> None:
        """Less waits than before: those who wait for that look again."""
        self._gone.set()

    def waiting(self, key: str) -> bool:
        """Whether packets of a key still wait."""
        return self._queue.waiting(key) > 0

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait."""
        return self._queue.waiting_bytes

    @property
    def held(self) -> frozenset[HoldReason]:
        """Why nothing is sent; empty while packets are sent."""
        return frozenset(self._holds)

    def hold(self, reason: HoldReason) -> None:
        """Sends nothing until `release` of this reason: it would be lost. Reasons add up."""
        if reason not in self._holds:
            self._holds += (reason,)

    def release(self, reason: HoldReason) -> None:
        """This reason is gone; sends on if there is no other."""
        self._holds = tuple(one for one in self._holds if one != reason)
        self._wake()

    def end(self) -> None:
        """Sends nothing more; what waits for free space ends."""
        self._ended = True
        self.packets_gone()

    async def wait_for_capacity(self, *, timeout: float) -> None:
        """Returns when chat may be added, or nothing will be sent any more; at once unless more
        than the bound waits. `timeout` in seconds.

        Raises:
            SendError: too much waited for too long.
        """
        if self._queue.waiting_bytes < self._most:
            return
        try:
            async with asyncio.timeout(timeout):
                await self._until_below(self._most)
        except TimeoutError:
            raise SendError(
                f"{self._queue.waiting_bytes} bytes wait to be sent and didn't get fewer than "
                f"{self._most} within {timeout:g} s",
                retryable=True,
            ) from None

    async def wait_until_empty(self) -> None:
        """Returns when nothing waits to be sent, or nothing will be sent any more."""
        await self._until_below(1)

    async def _until_below(self, size: int) -> None:
        while not self._ended and self._queue.waiting_bytes >= size:
            self._gone.clear()
            await self._gone.wait()
