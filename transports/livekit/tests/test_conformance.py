"""The conformance suite over the real `livekit` client and the simulator's room."""

from __future__ import annotations

import pytest
from akool_livekit import LiveKitTransport

from akool_async.testing.conformance import RemotePeer, TransportConformance


class TestLiveKit(TransportConformance):
    transport = LiveKitTransport

    @pytest.fixture
    def room(self, room: RemotePeer) -> RemotePeer:
        return room
