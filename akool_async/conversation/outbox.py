"""What waits to be sent: its order, its pace, its withdrawal; the room's only sender."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from akool_async.errors import DisconnectedError, SendError
from akool_async.stream import Cancelled, QueuedPacket, SendQueue
from akool_async.transport import Transport

__all__ = ["Outbox"]


class Outbox:
    """A `SendQueue` and the task that empties it into the transport.

    `leaves(key)` is called before a packet is handed to the room, `sent(key)` when it was taken,
    `failed(key, error)` when it wasn't (what else waits under that key is dropped), `gone(error)`
    when the room is gone; all on the event loop. Between `leaves` and `sent` the room may already
    have delivered the packet, and the avatar's answer to it may come.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        send_timeout: float,
        waiting_bytes: int,
        leaves: Callable[[str], None],
        sent: Callable[[str], None],
        failed: Callable[[str, SendError], None],
        gone: Callable[[DisconnectedError], None],
    ) -> None:
        self._transport = transport
        self._queue = SendQueue(transport.limits)
        self._send_timeout = send_timeout
        self._most = waiting_bytes
        self._leaves = leaves
        self._sent = sent
        self._failed = failed
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        #: Why nothing is sent: "connection", "avatar".
        self._holds: set[str] = set()
        self._ended = False
        self._sleeper: asyncio.Future[None] | None = None
        self._room: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to send."""
        self._task = self._loop.create_task(self._run(), name="akool-sender")
        self._task.add_done_callback(self._died)

    def end(self) -> None:
        """Sends nothing more, and has nobody wait for room."""
        self._ended = True
        self._tell_room()

    async def stop(self) -> None:
        """Ends, and the task with it."""
        self.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

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

    def withdraw(self, key: str) -> Cancelled:
        """Takes back what waits under a key; says what was sent and what was dropped."""
        withdrawn = self._queue.cancel(key)
        self._tell_room()
        return withdrawn

    def waiting(self, key: str) -> bool:
        """Whether packets of a key still wait."""
        return self._queue.waiting(key) > 0

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait."""
        return self._queue.waiting_bytes

    async def room(self, *, timeout: float) -> None:
        """Returns when chat may be added, or nothing will be sent any more; at once unless more
        than the bound waits.

        Raises:
            SendError: no room within `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._until_below(self._most)
        except TimeoutError:
            raise SendError(
                f"{self._queue.waiting_bytes} bytes wait to be sent and didn't get fewer than "
                f"{self._most} within {timeout:g} s",
                retryable=True,
            ) from None

    def hold(self, reason: str) -> None:
        """Sends nothing until `release` of this reason: it would be lost. Reasons add up."""
        self._holds.add(reason)

    def release(self, reason: str) -> None:
        """This reason is gone; sends on if there is no other."""
        self._holds.discard(reason)
        self._wake()

    async def empty(self) -> None:
        """Returns when nothing waits to be sent, or nothing will be sent any more."""
        await self._until_below(1)

    async def _until_below(self, size: int) -> None:
        while not self._ended and self._queue.waiting_bytes >= size:
            waiter = self._loop.create_future()
            self._room.append(waiter)
            try:
                await waiter
            finally:
                self._room.remove(waiter)

    def _died(self, task: asyncio.Task[None]) -> None:
        """Sending ends by being stopped or by the room's end; anything else is the room's end."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            gone = DisconnectedError(f"sending failed: {type(error).__name__}", reason="failed")
            gone.__cause__ = error
            self._gone(gone)

    async def _run(self) -> None:
        while True:
            held = self._ended or self._holds
            packet = None if held else self._queue.next(self._loop.time())
            if not isinstance(packet, QueuedPacket):
                await self._sleep(packet)
                continue
            key = packet.key
            self._leaves(key)
            try:
                await self._transport.send(packet.data, timeout=self._send_timeout)
            except SendError as error:
                self._queue.cancel(key)
                self._failed(key, error)
            except DisconnectedError as error:
                self._gone(error)
                return
            else:
                self._sent(key)
            self._tell_room()

    async def _sleep(self, until: float | None) -> None:
        self._sleeper = self._loop.create_future()
        timer = self._loop.call_at(until, self._wake) if until is not None else None
        try:
            await self._sleeper
        finally:
            self._sleeper = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)

    def _tell_room(self) -> None:
        for waiter in self._room:
            if not waiter.done():
                waiter.set_result(None)
