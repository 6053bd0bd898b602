"""A member of a relay's room: its websocket, what goes out on it, and what it may send."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web

from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.rooms.link import SimulatedLink
from akool_async.simulator.rooms.relay.limits import RateWindow, SendRules
from akool_async.transport.engines import relay_wire

__all__ = ["Member"]

#: Frames kept for a member who doesn't read; then its connection is given up.
MAX_WAITING: Final = 20_000


class Member:
    """One participant who joined over the websocket.

    Attributes:
        identity: its uid or user id.
        proof: the token or signature that it has now.
        joined_with: the one it joined with.
        can_send: whether its role allows sending.
        window: what it sent within the last second.
        sent_at: its own clock at its last packet; stamps must not run backwards.
        upward, downward: the network between it and the room.
        left: it said so, or was thrown out: its place isn't kept.
    """

    def __init__(
        self,
        identity: str,
        proof: str,
        ws: web.WebSocketResponse,
        transport: asyncio.BaseTransport | None,
        *,
        rules: SendRules,
        conditions: NetworkConditions,
        reliable: bool,
        can_send: bool = True,
    ) -> None:
        self.identity = identity
        self.proof = self.joined_with = proof
        self.can_send = can_send
        self.window = RateWindow(rules)
        self._rules = rules
        self.sent_at = 0.0
        self.upward = SimulatedLink(conditions, reliable=reliable)
        self.downward = SimulatedLink(conditions, reliable=reliable)
        self.left = False
        self._ws = ws
        self._transport = transport
        self._frames: asyncio.Queue[bytes | str | None] = asyncio.Queue(MAX_WAITING)

    def notify(self, notice: Mapping[str, Any]) -> None:
        """Queues a notice (a text frame)."""
        self._put(json.dumps(notice))

    def give(self, frame: bytes) -> None:
        """Queues a packet (a binary frame)."""
        self._put(frame)

    def dismiss(self, notice: Mapping[str, Any] | None = None) -> None:
        """Sends a notice, if there is one, then closes its websocket."""
        self.left = True
        if notice is not None:
            self.notify(notice)
        self._put(None)

    def abort(self) -> None:
        """Aborts the connection, as a broken network does."""
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()

    def take(self, frame: bytes, *, not_allowed: int, check_command: Callable[[int], int]) -> int:
        """Judges a packet as the vendor's library would, and counts it if it is let through.

        Returns the vendor's code; 0: accepted.
        """
        rules = self._rules
        if not self.can_send:
            return not_allowed
        try:
            packet = relay_wire.unpack_sent(frame)
        except ValueError:
            return rules.bad_argument
        size, at = len(packet.payload), packet.clock
        # An empty packet, or a clock that runs backwards or isn't one.
        if size == 0 or not self.sent_at <= at < math.inf:
            return rules.bad_argument
        if code := check_command(packet.command):
            return code
        if size > rules.max_bytes:
            return rules.too_large
        over = self.window.over(size, at)
        if over is not None:
            return rules.too_many_bytes if over == "bytes" else rules.too_many_packets
        self.sent_at = at
        self.window.add(size, at)
        return 0

    async def write(self) -> None:
        """Writes what is queued until dismissed; the room runs this as a task of its own."""
        try:
            while (frame := await self._frames.get()) is not None:
                if isinstance(frame, str):
                    await self._ws.send_str(frame)
                else:
                    await self._ws.send_bytes(frame)
            await self._ws.close()
        except ConnectionError:
            self.abort()  # it went away; its reader notices, too

    def close(self) -> None:
        """Drops what is on its way to and from it."""
        self.upward.close()
        self.downward.close()

    def _put(self, frame: bytes | str | None) -> None:
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.abort()
