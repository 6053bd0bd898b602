"""The faults that both kinds of rooms can have, in the simulator's own."""

from __future__ import annotations

import pytest
from livekit_faults import LiveKitFaults
from livekit_peer import LiveKitPeer


class TestSimulatedRoom(LiveKitFaults):
    @pytest.fixture
    def room(self, room: LiveKitPeer) -> LiveKitPeer:
        return room
