"""A simulated service, and a room for it and the pipeline on a real livekit-server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from loguru import logger
from real_livekit import server_from_environment

from akool_async import AkoolClient, OwnLiveKitRoom
from akool_async.simulator import Simulator


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logger.remove()


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as sim:
        yield sim
        assert sim.open_sessions == []


@pytest_asyncio.fixture
async def akool(sim: Simulator) -> AsyncIterator[AkoolClient]:
    async with AkoolClient("any", base_url=sim.url) as client:
        yield client


@pytest.fixture
def room() -> OwnLiveKitRoom:
    server = server_from_environment()
    assert server is not None, "run by tests/livekit/server.py"
    return OwnLiveKitRoom(
        url=server.url.replace("http", "ws", 1),
        api_key=server.api_key,
        api_secret=server.api_secret,
        audio_only_from_data_stream=True,
    )
