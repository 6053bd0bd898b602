"""The faults that can be made on the simulator's LiveKit room and on a real server alike.

A subclass overrides the fixture `room` with a `LiveKitPeer`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from akool_livekit import LiveKitTransport
from akool_livekit.sender_filter import HOLD_SECONDS
from livekit_peer import LiveKitPeer

from akool_async.errors import AvatarAbsentError, JoinRefusedError
from akool_async.testing.conformance import TIMEOUT, next_packet, the_end, until
from akool_async.transport import ConnectionChange, ConnectionState, JoinTarget

__all__ = ["LiveKitFaults", "joined", "next_change"]

LEFT, BACK = ConnectionState.AVATAR_LEFT, ConnectionState.AVATAR_BACK
RECONNECTING, RECONNECTED = ConnectionState.RECONNECTING, ConnectionState.RECONNECTED
STRANGER = ConnectionState.STRANGER
PUBLISHED = ConnectionState.AVATAR_PUBLISHED
PRESENT = ConnectionState.PARTICIPANTS


@asynccontextmanager
async def joined(target: JoinTarget) -> AsyncIterator[LiveKitTransport]:
    """A connected transport, closed whatever happens."""
    transport = LiveKitTransport(target, {})
    try:
        await transport.connect(timeout=TIMEOUT)
        yield transport
    finally:
        await transport.close()


async def next_change(transport: LiveKitTransport) -> ConnectionChange:
    """The next change; packets, who is in the room, and what is published are passed over."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            item = await transport.receive()
            if isinstance(item, ConnectionChange) and item.state not in (PUBLISHED, PRESENT):
                return item


class LiveKitFaults:
    """What the transport does about them."""

    @pytest.fixture
    def room(self) -> LiveKitPeer:
        raise NotImplementedError("override the fixture `room`")

    async def test_connect_waits_for_the_avatar(self, room: LiveKitPeer) -> None:
        await room.fault("avatar_leaves")
        transport = LiveKitTransport(room.target, {})
        connecting = asyncio.create_task(transport.connect(timeout=TIMEOUT))
        done, _ = await asyncio.wait({connecting}, timeout=1)
        assert not done
        await room.fault("avatar_returns")
        await connecting
        await transport.send(b'{"n":1}', timeout=TIMEOUT)
        assert await room.wait_received(1) == [b'{"n":1}']
        await transport.close()

    async def test_an_avatar_that_does_not_come_is_an_error_in_time(
        self, room: LiveKitPeer
    ) -> None:
        await room.fault("avatar_leaves")
        transport = LiveKitTransport(room.target, {})
        with pytest.raises(AvatarAbsentError, match=r"avatar_\w+\) didn't come"):
            await transport.connect(timeout=2)
        await transport.close()

    async def test_the_avatar_leaves_and_returns(self, room: LiveKitPeer) -> None:
        async with joined(room.target) as transport:
            await room.fault("avatar_leaves")
            assert (await next_change(transport)).state is LEFT
            await room.fault("avatar_returns")
            assert (await next_change(transport)).state is BACK
            await transport.send(b'{"n":1}', timeout=TIMEOUT)
            assert await room.wait_received(1) == [b'{"n":1}']

    async def test_a_broken_socket_is_restored_without_the_avatars_leaving(
        self, room: LiveKitPeer
    ) -> None:
        async with joined(room.target) as transport:
            await room.drop()
            changes = [(await next_change(transport)).state for _ in range(2)]
            assert changes == [RECONNECTING, RECONNECTED]
            await transport.send(b'{"n":1}', timeout=TIMEOUT)
            await until(lambda: b'{"n":1}' in room.received, "the packet at the avatar")

    async def test_what_is_sent_while_it_reconnects_arrives_at_most_once(
        self, room: LiveKitPeer
    ) -> None:
        async with joined(room.target) as transport:
            await room.drop()
            assert (await next_change(transport)).state is RECONNECTING
            await transport.send(b'{"n":"meanwhile"}', timeout=TIMEOUT)
            assert (await next_change(transport)).state is RECONNECTED
            await transport.send(b'{"n":"after"}', timeout=TIMEOUT)
            await until(lambda: b'{"n":"after"}' in room.received, "the packet after")
            assert room.received.count(b'{"n":"meanwhile"}') <= 1

    async def test_reconnect_on_demand_is_reported_and_lossy(self, room: LiveKitPeer) -> None:
        async with joined(room.target) as transport:
            await transport.reconnect(timeout=TIMEOUT)
            changes = [await next_change(transport), await next_change(transport)]
            assert [c.state for c in changes] == [RECONNECTING, RECONNECTED]
            assert changes[1].lossy
            await transport.send(b'{"n":1}', timeout=TIMEOUT)
            assert await room.wait_received(1) == [b'{"n":1}']

    async def test_a_refused_token_is_renewed_once(self, room: LiveKitPeer) -> None:
        room.renewed = room.credentials
        room.credentials = room.with_token(room.sim.new_token(lifetime=-3600))
        async with joined(room.target) as transport:
            await transport.send(b'{"n":1}', timeout=TIMEOUT)
            assert await room.wait_received(1) == [b'{"n":1}']
        assert room.renewals == 1

    async def test_a_renewed_token_that_is_refused_too_is_the_end(self, room: LiveKitPeer) -> None:
        await room.refuse()
        room.renewed = room.credentials
        transport = LiveKitTransport(room.target, {})
        with pytest.raises(JoinRefusedError):
            await transport.connect(timeout=TIMEOUT)
        assert room.renewals == 1
        await transport.close()

    async def test_thrown_out_it_ends_with_the_reason(self, room: LiveKitPeer) -> None:
        async with joined(room.target) as transport:
            await room.fault("remove")
            error = await the_end(transport)
        assert error.reason == "removed"
        assert not error.retryable

    async def test_the_same_identity_elsewhere_is_the_end(self, room: LiveKitPeer) -> None:
        async with joined(room.target) as transport, joined(room.target):
            assert (await the_end(transport)).reason == "same_identity"

    async def test_the_room_closes(self, room: LiveKitPeer) -> None:
        async with joined(room.target) as transport:
            await room.fault("close_room")
            assert (await the_end(transport)).reason == "room_closed"

    # Strangers: well-formed avatar messages from someone else reach no one

    async def test_a_strangers_packets_are_dropped_counted_and_reported_once(
        self, room: LiveKitPeer
    ) -> None:
        async with joined(room.target) as transport:
            await room.fault("stranger_joins")
            for n in range(3):
                await room.fault("stranger_sends", data=b'{"v":2,"type":"chat","n":%d}' % n)
            await until(lambda: transport.stats.dropped["stranger"] == 3, "the stranger's packets")
            await room.send(b'{"n":"mine"}')
            reported = []
            async with asyncio.timeout(TIMEOUT):
                while (item := await transport.receive()) != b'{"n":"mine"}':
                    if not isinstance(item, ConnectionChange) or item.state not in (
                        PUBLISHED,
                        PRESENT,
                    ):
                        reported.append(item)
            assert transport.stats.packets_received == 1
            # Announcement and packets take different ways: the first may come without a name.
            assert {change.state for change in reported} == {STRANGER}
            assert len(reported) == len({change.reason for change in reported}) <= 2

    async def test_a_stranger_who_was_there_first_is_not_the_avatar(
        self, room: LiveKitPeer
    ) -> None:
        await room.fault("stranger_joins")
        async with joined(room.target) as transport:
            await room.fault("stranger_sends", data=b'{"n":"stranger"}')
            await until(lambda: transport.stats.dropped["stranger"] == 1, "the stranger's packet")
            await room.send(b'{"n":"avatar"}')
            assert await next_packet(transport) == b'{"n":"avatar"}'

    async def test_before_the_avatar_came_a_strangers_packet_is_not_its(
        self, room: LiveKitPeer
    ) -> None:
        room.own_room = True
        await room.fault("avatar_leaves")
        transport = LiveKitTransport(room.target, {})
        connecting = asyncio.create_task(transport.connect(timeout=TIMEOUT))
        done, _ = await asyncio.wait({connecting}, timeout=1)
        assert not done
        await self.trackless_stranger(room)
        await room.fault("stranger_sends", data=b'{"n":"stranger"}')
        await room.fault("avatar_returns")
        await connecting
        await until(lambda: transport.stats.dropped["stranger"] == 1, "the stranger's packet")
        assert transport.stats.packets_received == 0
        assert (await next_change(transport)).state is STRANGER
        await transport.close()

    async def trackless_stranger(self, room: LiveKitPeer) -> None:
        """Someone who is announced late: after the avatar."""
        await room.fault("stranger_joins", announce_after=HOLD_SECONDS / 2)
