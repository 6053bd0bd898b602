"""The transport over a real livekit-server: conformance, faults, and the server's own death."""

from __future__ import annotations

import asyncio

import pytest
from akool_livekit import LiveKitTransport
from livekit_faults import RECONNECTED, RECONNECTING, LiveKitFaults, joined, next_change
from livekit_peer import LiveKitPeer, ServerPeer
from real_livekit import RealServer

from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.testing.conformance import TIMEOUT, RemotePeer, TransportConformance, next_packet

pytestmark = pytest.mark.livekit_server


class TestConformance(TransportConformance):
    transport = LiveKitTransport

    @pytest.fixture
    def room(self, room: RemotePeer) -> RemotePeer:
        return room


class TestFaults(LiveKitFaults):
    @pytest.fixture
    def room(self, room: LiveKitPeer) -> LiveKitPeer:
        return room

    async def trackless_stranger(self, room: LiveKitPeer) -> None:
        # A real server announces someone without a track up to 3 s late by itself.
        await room.fault("stranger_joins", track=False)


@pytest.mark.slow
async def test_the_server_is_killed_and_comes_back(mortal_server: RealServer) -> None:
    server = LiveKitServer(mortal_server.url, mortal_server.api_key, mortal_server.api_secret)
    async with ServerPeer(server, "mortal") as room, joined(room.target) as transport:
        await asyncio.to_thread(mortal_server.kill)
        assert (await next_change(transport)).state is RECONNECTING
        await asyncio.sleep(1)
        await asyncio.to_thread(mortal_server.start)
        assert (await next_change(transport)).state is RECONNECTED
        # The avatar's own client comes back when it can; what is sent before that is lost.
        async with asyncio.timeout(2 * TIMEOUT):
            while not room.received:
                await transport.send(b'{"n":"alive"}', timeout=TIMEOUT)
                await asyncio.sleep(0.1)
        await room.send(b'{"n":"back"}')
        assert await next_packet(transport) == b'{"n":"back"}'
