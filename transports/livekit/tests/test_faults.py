"""The faults that both kinds of rooms can have, in the simulator's own."""

from __future__ import annotations

import pytest
from livekit_far import LiveKitFar
from livekit_faults import LiveKitFaults


class TestSimulatedRoom(LiveKitFaults):
    @pytest.fixture
    def room(self, room: LiveKitFar) -> LiveKitFar:
        return room
