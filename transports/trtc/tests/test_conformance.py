from collections.abc import AsyncIterator
from typing import ClassVar

import pytest_asyncio
from akool_trtc import TRTCTransport
from loopback_peer import LoopbackPeer, loopback_room

from akool_async.testing.conformance import TransportConformance


class TestTRTC(TransportConformance):
    transport = TRTCTransport
    options: ClassVar = {"engine": "loopback"}

    @pytest_asyncio.fixture
    async def room(self) -> AsyncIterator[LoopbackPeer]:
        async with loopback_room("trtc") as room:
            yield room
