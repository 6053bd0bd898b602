"""Audio and video over a real livekit-server."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from akool_livekit import LiveKitTransport
from media_peer import ServerMediaPeer

from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.testing.media_conformance import MediaConformance

pytestmark = pytest.mark.livekit_server

_numbers = itertools.count()


@pytest_asyncio.fixture
async def room(server: LiveKitServer) -> AsyncIterator[ServerMediaPeer]:
    async with ServerMediaPeer(server, f"media-{os.getpid()}-{next(_numbers)}") as room:
        yield room


class TestConformance(MediaConformance):
    transport = LiveKitTransport

    @pytest.fixture
    def room(self, room: ServerMediaPeer) -> ServerMediaPeer:
        return room
