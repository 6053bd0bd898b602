"""A simulated service, and a room for it and the pipeline on a real livekit-server."""

from __future__ import annotations

import pytest
from loguru import logger
from real_livekit import server_from_environment
from simulated_service import akool, sim

from akool_async import OwnLiveKitRoom

__all__ = ["akool", "sim"]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logger.remove()


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
