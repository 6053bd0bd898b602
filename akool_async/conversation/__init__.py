"""One conversation over one transport; knows neither REST nor vendors."""

from __future__ import annotations

from akool_async.conversation.options import ConversationOptions, ConversationStats, SessionInfo
from akool_async.conversation.session import AvatarSession
from akool_async.conversation.transcript import Transcript, TranscriptEntry
from akool_async.conversation.turns import Reply

__all__ = [
    "AvatarSession",
    "ConversationOptions",
    "ConversationStats",
    "Reply",
    "SessionInfo",
    "Transcript",
    "TranscriptEntry",
]
