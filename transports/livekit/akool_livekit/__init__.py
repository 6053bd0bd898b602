"""The LiveKit transport of akool-async, found by the name "livekit"."""

from akool_livekit.joined import JoinedRoomTransport
from akool_livekit.transport import LiveKitTransport

__all__ = ["JoinedRoomTransport", "LiveKitTransport"]
