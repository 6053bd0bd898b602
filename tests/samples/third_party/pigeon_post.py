"""A transport that returns every packet to its sender."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from akool_async.errors import DisconnectedError
from akool_async.transport import (
    ConnectionChange,
    Inbox,
    JoinTarget,
    PacketLimits,
    Transport,
    TransportStats,
)


class PigeonTransport(Transport):
    """Packets fly in a circle."""

    name = "pigeon"
    limits = PacketLimits(2000)

    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        """Needs no credentials."""
        self.preflight(options)
        self.target = target
        self.stats = TransportStats()
        self._inbox = Inbox(self.stats)

    async def connect(self, *, timeout: float) -> None:
        """Always there."""

    async def send(self, packet: bytes, *, timeout: float) -> None:
        """Comes back at once."""
        self.stats.packets_sent += 1
        self.stats.bytes_sent += len(packet)
        self._inbox.put(packet)

    async def receive(self) -> bytes | ConnectionChange:
        """What came back."""
        return await self._inbox.get()

    async def close(self, *, timeout: float = 5.0) -> None:
        """No more flights."""
        self._inbox.finish(DisconnectedError("the loft is closed", reason="closed"))
