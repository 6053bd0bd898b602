"""Agora rooms for akool_async: a transport over an engine protocol, and two engines for it."""

from akool_agora.adapter import AgoraTransport
from akool_agora.engine import Engine, EngineError, EngineEvents, Room

__all__ = ["AgoraTransport", "Engine", "EngineError", "EngineEvents", "Room"]
