"""Audio and video over the loopback engine: the conformance suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest_asyncio
from akool_agora import AgoraTransport
from simulated_media_peer import LoopbackMediaPeer, loopback_media_room

from akool_async.testing.media_conformance import MediaConformance


class TestConformance(MediaConformance):
    transport = AgoraTransport
    options: Mapping[str, Any] = {"engine": "loopback"}

    @pytest_asyncio.fixture
    async def room(self) -> AsyncIterator[LoopbackMediaPeer]:
        async with loopback_media_room("agora") as room:
            yield room
