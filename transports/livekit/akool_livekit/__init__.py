"""The LiveKit transport of akool-async, found by the name "livekit"."""

from akool_livekit.transport import LiveKitTransport

__all__ = ["LiveKitTransport"]
