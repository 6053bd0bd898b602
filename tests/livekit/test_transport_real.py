"""The transport over a real livekit-server: conformance, faults, and the server's own death."""

from __future__ import annotations

import asyncio

import pytest
from akool_livekit import LiveKitTransport
from livekit_far import LiveKitFar, ServerFar
from livekit_faults import BACK, LEFT, RECONNECTED, RECONNECTING, LiveKitFaults, joined
from real_livekit import RealServer

from akool_async.simulator.livekit_server import LiveKitServer
from akool_async.testing.conformance import PATIENCE, FarSide, TransportConformance, until
from akool_async.transport import ConnectionChange

pytestmark = pytest.mark.livekit_server


class TestConformance(TransportConformance):
    transport = LiveKitTransport

    @pytest.fixture
    def room(self, room: FarSide) -> FarSide:
        return room


class TestFaults(LiveKitFaults):
    @pytest.fixture
    def room(self, room: LiveKitFar) -> LiveKitFar:
        return room

    async def trackless_stranger(self, room: LiveKitFar) -> None:
        # A real server announces somebody without a track up to 3 s late by itself.
        await room.fault("stranger_joins", track=False)


@pytest.mark.slow
async def test_the_server_is_killed_and_comes_back(mortal_server: RealServer) -> None:
    server = LiveKitServer(mortal_server.url, mortal_server.api_key, mortal_server.api_secret)
    async with ServerFar(server, "mortal") as room, joined(room.target) as transport:
        seen = []

        async def listen() -> None:
            while RECONNECTED not in seen or (LEFT in seen and BACK not in seen):
                item = await transport.receive()
                if isinstance(item, ConnectionChange):
                    seen.append(item.state)

        listening = asyncio.create_task(listen())
        await asyncio.to_thread(mortal_server.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(mortal_server.start)
        async with asyncio.timeout(2 * PATIENCE):
            await listening
        assert seen[0] is RECONNECTING
        await transport.send(b'{"n":"alive"}', timeout=PATIENCE)
        await until(lambda: b'{"n":"alive"}' in room.received, "the packet at the avatar")
