"""TRTC rooms for akool_async: a transport over an engine protocol."""

from akool_trtc.adapter import TRTCTransport
from akool_trtc.engine import CMD_ID, Engine, EngineError, EngineEvents, Room

__all__ = [
    "CMD_ID",
    "Engine",
    "EngineError",
    "EngineEvents",
    "Room",
    "TRTCTransport",
]
