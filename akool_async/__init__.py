"""Live conversations with AKOOL streaming avatars, for asyncio programs.

    async with AkoolClient() as akool:
        async with akool.open_session("dvp_Tristan_cloth2_1080P") as avatar:
            reply = await avatar.ask("Hello")

All of `akool_async.errors` and `akool_async.conversation.events` is here, too. Transports, the
simulator and the command line are loaded only when they are used.
"""

from __future__ import annotations

from akool_async import errors
from akool_async.client import AkoolClient
from akool_async.conversation import (
    AvatarSession,
    ConversationOptions,
    ConversationStats,
    EventReader,
    Reply,
    ReplyStream,
    Responder,
    SessionInfo,
    Transcript,
    TranscriptEntry,
    UserTurn,
    Utterance,
    events,
)
from akool_async.conversation.events import *  # noqa: F403 - everything in its __all__ is public
from akool_async.errors import *  # noqa: F403 - everything in its __all__ is public
from akool_async.models import OwnAgoraRoom, OwnLiveKitRoom, OwnTRTCRoom
from akool_async.opening import join, open_session
from akool_async.stream.messages import Prompt

__version__ = "0.1.0"

__all__ = [
    "AkoolClient",
    "AvatarSession",
    "ConversationOptions",
    "ConversationStats",
    "EventReader",
    "OwnAgoraRoom",
    "OwnLiveKitRoom",
    "OwnTRTCRoom",
    "Prompt",
    "Reply",
    "ReplyStream",
    "Responder",
    "SessionInfo",
    "Transcript",
    "TranscriptEntry",
    "UserTurn",
    "Utterance",
    "__version__",
    "join",
    "open_session",
]
__all__ += errors.__all__
__all__ += events.__all__
