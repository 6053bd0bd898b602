"""The queue between an adapter's handlers and `Transport.receive`."""

from __future__ import annotations

from collections import deque

from akool_async.concurrency import Waiter
from akool_async.errors import DisconnectedError
from akool_async.errors.base import raised_again
from akool_async.transport.contract import ConnectionChange, TransportStats

__all__ = ["Inbox"]


class Inbox:
    """What an adapter received and wasn't fetched yet: bounded, in order, safe to cancel.

    An adapter's handlers call `put` and `finish` on the event loop; `Transport.receive` is `get`.
    Full, it drops the oldest packet and counts it under "overflow"; changes are never dropped.
    """

    def __init__(
        self, stats: TransportStats, *, max_packets: int = 10_000, max_bytes: int = 64 * 2**20
    ) -> None:
        self._stats = stats
        self._max_packets = max_packets
        self._max_bytes = max_bytes
        self._items: deque[bytes | ConnectionChange] = deque()
        self._packets = 0
        self._bytes = 0
        self._error: DisconnectedError | None = None
        self._change = Waiter("receive() is already awaited by another task")

    @property
    def finished(self) -> bool:
        """Whether `finish` was called."""
        return self._error is not None

    @property
    def error(self) -> DisconnectedError | None:
        """What `finish` was called with; `None` while the room lives."""
        return self._error

    def put(self, item: bytes | ConnectionChange) -> None:
        """Adds a packet (and counts it as received) or a change; ignored once finished."""
        if self._error is not None:
            return
        if isinstance(item, bytes):
            self._stats.packets_received += 1
            self._stats.bytes_received += len(item)
            self._packets += 1
            self._bytes += len(item)
        self._items.append(item)
        while self._packets > 1 and (
            self._packets > self._max_packets or self._bytes > self._max_bytes
        ):
            self._drop_oldest()
        self._change.wake()

    def finish(self, error: DisconnectedError) -> None:
        """Nothing more will come; the first call's error is kept."""
        if self._error is None:
            self._error = error
            self._change.wake()

    def check(self) -> None:
        """Raises what `finish` was called with, if it was."""
        if self._error is not None:
            raise raised_again(self._error)

    async def get(self) -> bytes | ConnectionChange:
        """The next item; `Transport.receive` in the contract's sense."""
        while not self._items:
            self.check()
            await self._change.wait()
        item = self._items.popleft()
        if isinstance(item, bytes):
            self._packets -= 1
            self._bytes -= len(item)
        return item

    def _drop_oldest(self) -> None:
        for place, item in enumerate(self._items):
            if isinstance(item, bytes):
                del self._items[place]
                self._packets -= 1
                self._bytes -= len(item)
                self._stats.dropped["overflow"] += 1
                return
