"""Rooms of one's own, which the service's avatar joins. Names are imported on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akool_async.lazy import lazy_names

if TYPE_CHECKING:
    from akool_async.rooms.agora import OwnAgoraRoom
    from akool_async.rooms.livekit import OwnLiveKitRoom
    from akool_async.rooms.room import OwnRoom, PreparedRoom
    from akool_async.rooms.trtc import OwnTRTCRoom

__all__ = ["OwnAgoraRoom", "OwnLiveKitRoom", "OwnRoom", "OwnTRTCRoom", "PreparedRoom"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "agora": ("OwnAgoraRoom",),
        "livekit": ("OwnLiveKitRoom",),
        "room": ("OwnRoom", "PreparedRoom"),
        "trtc": ("OwnTRTCRoom",),
    },
)
