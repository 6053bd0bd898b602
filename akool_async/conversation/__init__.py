"""One conversation over one transport; knows neither REST nor vendors.

Names are imported on first use: a program that calls REST alone doesn't load the conversation.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

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

_MODULES: Final = {
    "AvatarSession": "session",
    "ConversationOptions": "options",
    "ConversationStats": "options",
    "EventReader": "event_bus",
    "ReplyStream": "questions",
    "RespondWith": "responder",
    "Responder": "responder",
    "SessionInfo": "options",
    "Timing": "options",
    "Transcript": "transcript",
    "TranscriptEntry": "transcript",
    "UserTurn": "responder",
    "Utterance": "speech.utterance",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
