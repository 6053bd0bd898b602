"""Live conversations with AKOOL streaming avatars, for asyncio programs.

    async with AkoolClient() as akool:
        async with akool.open_session("dvp_Tristan_cloth2_1080P") as avatar:
            reply = await avatar.ask("Hello")

All of `akool_async.errors` and `akool_async.events` is here, too. Each other name is imported when
it is first asked for; transports, simulator and command line when they are used.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from akool_async import conversation, errors, events
from akool_async.errors import *  # noqa: F403 - everything in its __all__ is public
from akool_async.events import *  # noqa: F403
from akool_async.lazy import lazy_names

#: The log is silent until the program sets one up.
logging.getLogger(__name__).addHandler(logging.NullHandler())

if TYPE_CHECKING:
    from akool_async.candidates import OpeningProgress
    from akool_async.client import AkoolClient
    from akool_async.conversation import (
        AvatarSession,
        ConversationOptions,
        ConversationStats,
        EventReader,
        ReplyStream,
        Responder,
        RespondWith,
        SessionInfo,
        Timing,
        Transcript,
        TranscriptEntry,
        UserTurn,
        Utterance,
    )
    from akool_async.media import AudioFrame, VideoFrame
    from akool_async.media.playback import Playback, PlaybackResult
    from akool_async.opening import join
    from akool_async.rooms import OwnAgoraRoom, OwnLiveKitRoom, OwnTRTCRoom
    from akool_async.rooms.viewers import ViewerLink
    from akool_async.running import run
    from akool_async.stream.messages import Prompt
    from akool_async.transport import Participant

__version__ = "0.1.0"

__all__ = [
    "AkoolClient",
    "AudioFrame",
    "AvatarSession",
    "ConversationOptions",
    "ConversationStats",
    "EventReader",
    "OpeningProgress",
    "OwnAgoraRoom",
    "OwnLiveKitRoom",
    "OwnTRTCRoom",
    "Participant",
    "Playback",
    "PlaybackResult",
    "Prompt",
    "ReplyStream",
    "RespondWith",
    "Responder",
    "SessionInfo",
    "Timing",
    "Transcript",
    "TranscriptEntry",
    "UserTurn",
    "Utterance",
    "VideoFrame",
    "ViewerLink",
    "__version__",
    "errors",
    "events",
    "join",
    "run",
]
__all__ += errors.__all__
__all__ += events.__all__

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "candidates": ("OpeningProgress",),
        "client": ("AkoolClient",),
        "conversation": conversation.__all__,
        "media.playback": ("Playback", "PlaybackResult"),
        "rooms": ("OwnAgoraRoom", "OwnLiveKitRoom", "OwnTRTCRoom"),
        "media": ("AudioFrame", "VideoFrame"),
        "rooms.viewers": ("ViewerLink",),
        "transport": ("Participant",),
        "opening": ("join",),
        "running": ("run",),
        "stream.messages": ("Prompt",),
    },
)
