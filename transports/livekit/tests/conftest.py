"""The simulator's room on a port of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from akool_livekit import LiveKitTransport
from livekit_peer import SimulatedPeer

from akool_async.testing.conformance import TIMEOUT


@pytest_asyncio.fixture
async def room() -> AsyncIterator[SimulatedPeer]:
    async with SimulatedPeer() as room:
        yield room


@pytest_asyncio.fixture
async def transport(room: SimulatedPeer) -> AsyncIterator[LiveKitTransport]:
    """Joined the room, and closed at the end."""
    transport = LiveKitTransport(room.target, {})
    await transport.connect(timeout=TIMEOUT)
    yield transport
    await transport.close()
