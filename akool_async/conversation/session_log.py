"""The log of a session: a line at INFO per event, with the session's id; packets at DEBUG.

What people say is in no line at INFO: its length is. Packets at DEBUG hold it, cut short;
of URLs the query is replaced.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any, Final, Literal

from akool_async import events as ev

__all__ = ["SessionLog"]

logger = logging.getLogger("akool_async.session")

#: A URL's query, which may be a signature.
_QUERY: Final = re.compile(r"(://[^\s\"\\?]*\?)[^\s\"\\]+")
#: Bytes of a packet that are shown.
_SHOWN_BYTES: Final = 200

#: What a line shows of an event: fields that hold no text and no secret. Other events get none.
_FIELDS: Final[dict[type[ev.Event], tuple[str, ...]]] = {
    ev.AvatarReady: ("publishing",),
    ev.ReplyDone: ("question",),
    ev.ReplyIncomplete: ("mid", "reason"),
    ev.UserSpoke: ("mid", "complete"),
    ev.SpeakingStarted: ("mid",),
    ev.SpeakingStopped: ("mid",),
    ev.ParticipantJoined: ("identity", "is_avatar"),
    ev.ParticipantLeft: ("identity", "is_avatar"),
    ev.Reconnecting: ("reason",),
    ev.Reconnected: ("lossy",),
    ev.AvatarLeft: ("reason",),
    ev.AvatarReturned: (),
    ev.TrackPublished: ("kind", "track_id"),
    ev.TrackUnpublished: ("kind", "track_id"),
    ev.FirstAudio: ("seconds",),
    ev.FirstVideo: ("seconds",),
    ev.TokenExpiring: ("seconds_left",),
    ev.SessionEnding: ("seconds_left",),
    ev.SessionRenewing: ("seconds_left",),
    ev.SessionRenewed: ("previous_id", "avatar_id", "transport", "gap", "quiet"),
    ev.SessionNotRenewed: ("seconds_left",),
    ev.Idle: ("seconds",),
    ev.Disconnected: ("reason",),
    ev.EventsLost: ("count",),
}


class SessionLog:
    """Lines of one conversation.

    Args:
        session_id: the session's id as it is then: a renewed conversation has others.
    """

    def __init__(self, session_id: Callable[[], str | None] = lambda: None) -> None:
        self._session_id = session_id

    def joined(self, transport: str, avatar_id: str | None) -> None:
        """The room was joined."""
        self._info("joined", {"transport": transport, "avatar_id": avatar_id})

    def event(self, event: ev.Event) -> None:
        """An event was published."""
        if not logger.isEnabledFor(logging.INFO):
            return
        fields = _FIELDS.get(type(event))
        if fields is None:
            return
        shown = {name: getattr(event, name) for name in fields}
        if isinstance(event, ev.ReplyDone):
            reply = event.reply
            shown |= {"ended": reply.ended, "characters": len(reply.text)}
            shown |= {"seconds": f"{reply.took:.2f}"}
        elif isinstance(event, ev.UserSpoke | ev.ReplyIncomplete):
            shown["characters"] = len(event.text)
        elif isinstance(event, ev.SessionNotRenewed):
            shown["error"] = type(event.error).__name__
        self._info(type(event).__name__, shown)

    def packet(self, direction: Literal["sent", "received"], packet: bytes) -> None:
        """A packet was sent or received."""
        if logger.isEnabledFor(logging.DEBUG):
            cut = _QUERY.sub(r"\1***", packet[:_SHOWN_BYTES].decode(errors="replace"))
            more = "" if len(packet) <= _SHOWN_BYTES else f"… ({len(packet)} bytes)"
            logger.debug("session %s: %s %s%s", self._session_id(), direction, cut, more)

    def _info(self, name: str, fields: dict[str, Any]) -> None:
        pairs = "".join(f" {key}={value}" for key, value in fields.items() if value is not None)
        logger.info("session %s: %s%s", self._session_id(), name, pairs)
