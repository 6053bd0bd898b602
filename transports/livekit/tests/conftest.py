"""The simulator's room on a port of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from livekit_peer import SimulatedPeer


@pytest_asyncio.fixture
async def room() -> AsyncIterator[SimulatedPeer]:
    async with SimulatedPeer() as room:
        yield room
