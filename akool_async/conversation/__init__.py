"""One conversation over one transport; knows neither REST nor vendors.

Names are imported on first use: a program that calls REST alone doesn't load the conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akool_async.lazy import lazy_names

if TYPE_CHECKING:
    from akool_async.conversation.event_bus import EventReader
    from akool_async.conversation.options import (
        ConversationOptions,
        ConversationStats,
        SessionInfo,
        Timing,
    )
    from akool_async.conversation.questions import ReplyStream
    from akool_async.conversation.responder import Responder, RespondWith, UserTurn
    from akool_async.conversation.session import AvatarSession
    from akool_async.conversation.speech.utterance import Utterance
    from akool_async.conversation.transcript import Transcript, TranscriptEntry

__all__ = [
    "AvatarSession",
    "ConversationOptions",
    "ConversationStats",
    "EventReader",
    "ReplyStream",
    "RespondWith",
    "Responder",
    "SessionInfo",
    "Timing",
    "Transcript",
    "TranscriptEntry",
    "UserTurn",
    "Utterance",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "session": ("AvatarSession",),
        "options": ("ConversationOptions", "ConversationStats", "SessionInfo", "Timing"),
        "event_bus": ("EventReader",),
        "questions": ("ReplyStream",),
        "responder": ("RespondWith", "Responder", "UserTurn"),
        "transcript": ("Transcript", "TranscriptEntry"),
        "speech.utterance": ("Utterance",),
    },
)
