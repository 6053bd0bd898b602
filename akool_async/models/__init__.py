"""What REST sends and answers. Each name is imported when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akool_async.lazy import lazy_names

if TYPE_CHECKING:
    from akool_async.models.avatar import Avatar, AvatarStatus
    from akool_async.models.credentials import (
        AgoraCredentials,
        ChatRoomCredentials,
        Credentials,
        LiveKitCredentials,
        TRTCCredentials,
    )
    from akool_async.models.knowledge import Knowledge, KnowledgeDoc, KnowledgeFile
    from akool_async.models.session import LegacySession, Session, SessionStatus, StreamUrls
    from akool_async.models.session_fields import SessionFields
    from akool_async.models.voice import Language, Voice, VoiceStatus
    from akool_async.models.voice_params import ElevenLabsSettings, TurnDetection, VoiceParams

__all__ = [
    "AgoraCredentials",
    "Avatar",
    "AvatarStatus",
    "ChatRoomCredentials",
    "Credentials",
    "ElevenLabsSettings",
    "Knowledge",
    "KnowledgeDoc",
    "KnowledgeFile",
    "Language",
    "LegacySession",
    "LiveKitCredentials",
    "Session",
    "SessionFields",
    "SessionStatus",
    "StreamUrls",
    "TRTCCredentials",
    "TurnDetection",
    "Voice",
    "VoiceParams",
    "VoiceStatus",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "avatar": ("Avatar", "AvatarStatus"),
        "credentials": (
            "AgoraCredentials",
            "ChatRoomCredentials",
            "Credentials",
            "LiveKitCredentials",
            "TRTCCredentials",
        ),
        "knowledge": ("Knowledge", "KnowledgeDoc", "KnowledgeFile"),
        "session": ("LegacySession", "Session", "SessionStatus", "StreamUrls"),
        "session_fields": ("SessionFields",),
        "voice": ("Language", "Voice", "VoiceStatus"),
        "voice_params": ("ElevenLabsSettings", "TurnDetection", "VoiceParams"),
    },
)
