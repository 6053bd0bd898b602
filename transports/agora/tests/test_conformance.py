from collections.abc import AsyncIterator

import pytest_asyncio
from akool_agora import AgoraTransport
from loopback_far import LoopbackFar, loopback_room

from akool_async.testing.conformance import TransportConformance


class TestAgora(TransportConformance):
    transport = AgoraTransport
    options = {"engine": "loopback"}

    @pytest_asyncio.fixture
    async def room(self) -> AsyncIterator[LoopbackFar]:
        async with loopback_room("agora") as room:
            yield room
