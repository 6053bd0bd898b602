"""A room inside the process, for tests of programs that hold conversations: no socket, no vendor.

What one end sends, the other receives, on the same event loop. The network between them can lose,
duplicate, reorder and delay packets, go silent, break and end:

    room = InMemoryRoom(loss=0.05)
    async with AvatarSession(room.transport) as avatar:
        ...
        packet = await room.receive()      # what the program sent
        room.send(b'{"v":2,…}')            # what the avatar says
        room.drop("connection_lost")
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from akool_async.errors import DisconnectedError, SendError
from akool_async.media.contract import MediaTransport
from akool_async.models.credentials import LiveKitCredentials
from akool_async.stream.limits import LIVEKIT, Dialect, PacketLimits
from akool_async.transport import (
    ConnectionChange,
    ConnectionState,
    Inbox,
    JoinTarget,
    Participant,
    Transport,
    TransportStats,
)

__all__ = ["InMemoryRoom", "InMemoryTransport"]


class InMemoryTransport(Transport):
    """The program's end of an `InMemoryRoom`."""

    name: ClassVar[str] = "in_memory"

    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        """Use `InMemoryRoom(...).transport`; `options["room"]` is the room this is an end of."""
        self.target = target
        room = options.get("room")
        self._room: InMemoryRoom = room if isinstance(room, InMemoryRoom) else InMemoryRoom()
        self.limits = self._room.limits
        self.stats = TransportStats()
        self._inbox = Inbox(self.stats)
        self.connected = False
        self.closed = False

    @classmethod
    def preflight(cls, options: Mapping[str, Any]) -> None:
        """Takes the option `room`."""
        super().preflight({name: value for name, value in options.items() if name != "room"})

    @property
    def avatar_publishing(self) -> bool | None:
        """`InMemoryRoom.publishing`."""
        return self._room.publishing

    @property
    def media(self) -> MediaTransport | None:
        """`InMemoryRoom.media`."""
        return self._room.media

    @property
    def participants(self) -> tuple[Participant, ...] | None:
        """`InMemoryRoom.participants`."""
        return self._room.participants

    def follow_speakers(self) -> None:
        """Sets `InMemoryRoom.follows_speakers`."""
        self._room.follows_speakers = True

    async def connect(self, *, timeout: float) -> None:
        """Returns at once. Raises `InMemoryRoom.connect_error` if that is set."""
        del timeout
        if self._room.connect_error is not None:
            raise self._room.connect_error
        self.connected = True

    async def send(self, packet: bytes, *, timeout: float) -> None:
        """Sends a packet to the avatar's end, through the room's network.

        Raises:
            SendError: the packet is over the room's limits, or was not accepted within `timeout`
                seconds.
            DisconnectedError: the room has ended, or this end is not connected.
        """
        self._check_open()
        await self._room.accepted(timeout)
        self._check_open()
        self._room.check_limits(packet)
        self.stats.packets_sent += 1
        self.stats.bytes_sent += len(packet)
        self._room.carry(packet, self._room.arrived)
        await self._room.confirmed(timeout)

    async def receive(self) -> bytes | ConnectionChange:
        """The next packet or change."""
        return await self._inbox.get()

    async def reconnect(self, *, timeout: float) -> None:
        """Ends a silence.

        Raises:
            DisconnectedError: `InMemoryRoom.can_reconnect` is false.
        """
        del timeout
        if not self._room.can_reconnect:
            raise DisconnectedError("the room can't be joined again", reason="silent")
        self._inbox.put(ConnectionChange(ConnectionState.RECONNECTING, "requested"))
        self._room.silent = False
        self._inbox.put(ConnectionChange(ConnectionState.RECONNECTED, lossy=True))

    async def close(self, *, timeout: float = 5.0) -> None:
        """Leaves the room."""
        del timeout
        self.closed = True
        self._inbox.finish(DisconnectedError("the room was left", reason="closed"))

    def _check_open(self) -> None:
        if self._room.ended is not None:
            raise DisconnectedError("the room has ended", reason=self._room.ended)
        if self.closed or not self.connected:
            raise DisconnectedError("this end isn't connected", reason="closed")

    def put(self, item: bytes | ConnectionChange) -> None:
        """Delivers a packet or a change to this end; called by the room."""
        self._inbox.put(item)

    def finish(self, reason: str) -> None:
        """Ends the connection; called by the room."""
        self._inbox.finish(DisconnectedError("the room has ended", reason=reason))


class InMemoryRoom:
    """A room with the program at one end and the test at the other.

    Attributes:
        transport: the program's end.
        limits: enforced: a packet too large or too early is refused with `SendError`.
        loss: chance from 0 to 1 that a packet never arrives, in either direction.
        double: chance that it arrives twice.
        reorder: chance that it arrives up to `reorder_delay` seconds late.
        reorder_delay: in seconds.
        delay: seconds that every packet takes.
        silent: packets are accepted and never delivered, in either direction.
        stuck: packets aren't accepted: `send` waits until its time limit.
        confirming: while it isn't set, packets arrive but `send` doesn't return, as in a room
            whose answer arrives before its confirmation of the question.
        publishing: whether the avatar publishes audio or video; `None`: the room can't say.
        media: audio and video of the room, an `InMemoryMedia`; `None`: packets only.
        participants: who is in the room besides the program; `None`: the room can't say. Set it by
            `populate`.
        follows_speakers: whether the program wants to know who speaks.
        connect_error: what `connect` raises.
        can_reconnect: whether `reconnect` works (it ends `silent`).
        packets: everything that arrived at the avatar's end.
        refused: packets refused because of the limits.
    """

    def __init__(
        self,
        *,
        limits: PacketLimits = LIVEKIT,
        dialect: Dialect = "v2",
        own_id: str | None = None,
        peer_id: str | None = None,
        loss: float = 0.0,
        double: float = 0.0,
        reorder: float = 0.0,
        reorder_delay: float = 0.05,
        delay: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.limits = limits
        self.loss = loss
        self.double = double
        self.reorder = reorder
        self.reorder_delay = reorder_delay
        self.delay = delay
        self.silent = False
        self.stuck = False
        self.confirming = asyncio.Event()
        self.confirming.set()
        self.publishing: bool | None = None
        self.media: MediaTransport | None = None
        self.participants: tuple[Participant, ...] | None = None
        self.follows_speakers = False
        self.connect_error: Exception | None = None
        self.can_reconnect = True
        self.packets: list[bytes] = []
        self.refused = 0
        self.ended: str | None = None
        self.on_packet: Callable[[bytes], None] | None = None
        self._random = random.Random(seed)
        self._unread: deque[bytes] = deque()
        self._arrival = asyncio.Event()
        self._sent: deque[tuple[float, int]] = deque()
        self._sent_bytes = 0
        target = JoinTarget(LiveKitCredentials(livekit_url="ws://127.0.0.1"))
        self.transport = InMemoryTransport(target, {"room": self})
        # Instances of one class may speak either dialect here, so it is set on the instance.
        object.__setattr__(self.transport, "dialect", dialect)
        self.transport.own_id = own_id
        self.transport.peer_id = peer_id

    # The avatar's end.

    def send(self, packet: bytes) -> None:
        """The avatar sends a packet."""
        self.carry(packet, self.transport.put)

    async def receive(self, *, timeout: float = 10.0) -> bytes:
        """The next packet that the program sent. Raises `TimeoutError` after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            while not self._unread:
                self._arrival.clear()
                await self._arrival.wait()
        return self._unread.popleft()

    def arrived(self, packet: bytes) -> None:
        """A packet of the program arrived: passes it to `on_packet` if set, else to `receive`."""
        self.packets.append(packet)
        if self.on_packet is not None:
            self.on_packet(packet)
            return
        self._unread.append(packet)
        self._arrival.set()

    # What happens to the connection.

    def publish(self, *, on: bool = True) -> None:
        """The avatar begins, or ends, to publish audio or video."""
        begins = on and not self.publishing
        self.publishing = on
        if begins and self.transport.connected:
            self.change(ConnectionState.AVATAR_PUBLISHED)

    def populate(self, *people: Participant) -> None:
        """These are in the room now, and no one else."""
        self.participants = people
        if self.transport.connected:
            self.change(ConnectionState.PARTICIPANTS)

    def change(
        self,
        state: ConnectionState,
        reason: str = "",
        *,
        seconds_left: float | None = None,
        lossy: bool = False,
    ) -> None:
        """The transport reports a change."""
        self.transport.put(ConnectionChange(state, reason, seconds_left, lossy))

    def drop(self, reason: str) -> None:
        """Ends the room."""
        self.ended = reason
        self.transport.finish(reason)

    # The network.

    def carry(self, packet: bytes, deliver: Callable[[bytes], None]) -> None:
        """Delivers a packet according to the network's settings."""
        if self.silent or self.ended is not None:
            return
        chance = self._random.random
        if self.loss and chance() < self.loss:
            return
        copies = 2 if self.double and chance() < self.double else 1
        loop = asyncio.get_running_loop()
        for _ in range(copies):
            late = self.reorder_delay * chance() if self.reorder and chance() < self.reorder else 0
            if self.delay + late:
                loop.call_later(self.delay + late, deliver, packet)
            else:
                deliver(packet)

    async def accepted(self, timeout: float) -> None:
        """Waits while packets aren't accepted."""
        if self.stuck:
            await asyncio.sleep(timeout)
            raise SendError(f"the room took no packet within {timeout:g} s", retryable=True)

    async def confirmed(self, timeout: float) -> None:
        """Waits until packets that arrived are confirmed."""
        try:
            async with asyncio.timeout(timeout):
                await self.confirming.wait()
        except TimeoutError as error:
            raise SendError(
                f"the room confirmed no packet within {timeout:g} s", retryable=False
            ) from error

    def check_limits(self, packet: bytes) -> None:
        """Raises `SendError` for a packet over the limits of the second that ends now."""
        limits = self.limits
        now = asyncio.get_running_loop().time()
        while self._sent and self._sent[0][0] <= now - 1.0:
            self._sent_bytes -= self._sent.popleft()[1]
        total = self._sent_bytes + len(packet)
        problem = None
        if len(packet) > limits.max_bytes:
            problem = f"{len(packet)} bytes, {limits.max_bytes} at most"
        elif limits.packets_per_second and len(self._sent) + 1 > limits.packets_per_second:
            problem = f"over {limits.packets_per_second} packets per second"
        elif limits.bytes_per_second and total > limits.bytes_per_second:
            problem = f"over {limits.bytes_per_second} bytes per second"
        if problem:
            self.refused += 1
            raise SendError(f"refused: {problem}", retryable=False)
        self._sent.append((now, len(packet)))
        self._sent_bytes = total
