"""Rooms of one's own, which the service's avatar joins. Names are imported on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from akool_async.rooms.agora import OwnAgoraRoom
    from akool_async.rooms.livekit import OwnLiveKitRoom
    from akool_async.rooms.room import OwnRoom, PreparedRoom
    from akool_async.rooms.trtc import OwnTRTCRoom

__all__ = ["OwnAgoraRoom", "OwnLiveKitRoom", "OwnRoom", "OwnTRTCRoom", "PreparedRoom"]

_MODULES: Final = {
    "OwnAgoraRoom": "agora",
    "OwnLiveKitRoom": "livekit",
    "OwnRoom": "room",
    "OwnTRTCRoom": "trtc",
    "PreparedRoom": "room",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
