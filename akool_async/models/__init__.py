"""What REST sends and answers."""

from akool_async.models.avatar import Avatar, AvatarStatus
from akool_async.models.credentials import (
    AgoraCredentials,
    ChatRoomCredentials,
    Credentials,
    LiveKitCredentials,
    TRTCCredentials,
)
from akool_async.models.knowledge import Knowledge, KnowledgeDoc, KnowledgeFile
from akool_async.models.own_livekit import OwnLiveKitRoom
from akool_async.models.own_room import OwnAgoraRoom, OwnRoom, OwnTRTCRoom
from akool_async.models.session import LegacySession, Session, SessionStatus, StreamUrls
from akool_async.models.session_create import SessionFields
from akool_async.models.voice import Language, Voice
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
    "OwnAgoraRoom",
    "OwnLiveKitRoom",
    "OwnRoom",
    "OwnTRTCRoom",
    "Session",
    "SessionFields",
    "SessionStatus",
    "StreamUrls",
    "TRTCCredentials",
    "TurnDetection",
    "Voice",
    "VoiceParams",
]
