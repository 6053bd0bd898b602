"""Audio and video of the simulator's own LiveKit room, by the transport."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from akool_livekit import LiveKitTransport
from simulated_media_peer import SimulatedMediaPeer

from akool_async.testing.media_conformance import MediaConformance

#: It encodes and decodes for real.
pytestmark = pytest.mark.slow


class TestConformance(MediaConformance):
    transport = LiveKitTransport

    @pytest_asyncio.fixture
    async def room(self) -> AsyncIterator[SimulatedMediaPeer]:
        async with SimulatedMediaPeer() as room:
            yield room
