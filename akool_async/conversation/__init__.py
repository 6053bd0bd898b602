"""One conversation over one transport; knows neither REST nor vendors."""

from __future__ import annotations

from akool_async.conversation.options import ConversationOptions, ConversationStats, SessionInfo
from akool_async.conversation.readers import EventReader
from akool_async.conversation.reply_stream import ReplyStream
from akool_async.conversation.responder import Responder, UserTurn
from akool_async.conversation.session import AvatarSession
from akool_async.conversation.speech.utterance import Utterance
from akool_async.conversation.transcript import Transcript, TranscriptEntry
from akool_async.conversation.turns import Reply

__all__ = [
    "AvatarSession",
    "ConversationOptions",
    "ConversationStats",
    "EventReader",
    "Reply",
    "ReplyStream",
    "Responder",
    "SessionInfo",
    "Transcript",
    "TranscriptEntry",
    "UserTurn",
    "Utterance",
]
