"""The simulator's room on a port of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from livekit_far import SimulatedFar


@pytest_asyncio.fixture
async def room() -> AsyncIterator[SimulatedFar]:
    async with SimulatedFar() as room:
        yield room
