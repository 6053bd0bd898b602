"""What happened in a conversation, and the readers and handlers it is told to.

Every reader of `EventHub.reader()` has a bounded queue of its own: a slow one loses its oldest
events and is told how many by `EventsLost`; it never holds up the room or the other readers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from akool_async.conversation.turns import Reply

__all__ = [
    "AvatarBack",
    "AvatarLeft",
    "Disconnected",
    "Event",
    "EventsLost",
    "HandlerFailed",
    "MessageLate",
    "Reconnected",
    "Reconnecting",
    "ReplyDelta",
    "ReplyDone",
    "ReplyIncomplete",
    "ReplyStarted",
    "SessionEnding",
    "SpeakingStarted",
    "SpeakingStopped",
    "StrangerMessage",
    "TokenExpiring",
    "UnknownReceived",
    "UserSpoke",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Base of every event; `on(Event)` hears all of them."""


@dataclass(frozen=True, slots=True)
class ReplyStarted(Event):
    """The avatar began a message. `question` is the mid of what it answers, `None`: of no `ask`."""

    mid: str
    question: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyDelta(Event):
    """The next piece of the avatar's message."""

    text: str
    mid: str
    question: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyDone(Event):
    """A message of the avatar is over: an answer to `ask` or to speech, or of its own accord."""

    reply: Reply
    question: str | None = None

    @property
    def text(self) -> str:
        """The message's text."""
        return self.reply.text


@dataclass(frozen=True, slots=True)
class ReplyIncomplete(Event):
    """Parts of a message were lost: `text` is what did arrive, `missing` the parts that didn't."""

    text: str
    mid: str
    missing: tuple[int, ...]
    reason: str
    question: str | None = None


@dataclass(frozen=True, slots=True)
class UserSpoke(Event):
    """Speech recognition heard a person in the room; echoes of typed questions aren't told.

    `complete` is `False` where parts of the text were lost on the way.
    """

    text: str
    mid: str
    complete: bool = True


@dataclass(frozen=True, slots=True)
class SpeakingStarted(Event):
    """The avatar began to speak (`audio_start`)."""

    mid: str = ""


@dataclass(frozen=True, slots=True)
class SpeakingStopped(Event):
    """The avatar stopped speaking (`audio_end`)."""

    mid: str = ""


@dataclass(frozen=True, slots=True)
class MessageLate(Event):
    """A part came after its message had ended: told, not lost."""

    text: str
    mid: str
    idx: int


@dataclass(frozen=True, slots=True)
class UnknownReceived(Event):
    """A packet that wasn't understood, with its bytes and why."""

    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class StrangerMessage(Event):
    """Somebody who isn't the avatar sends avatar messages; told once, all are counted."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reconnecting(Event):
    """The connection is interrupted and being made again."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reconnected(Event):
    """The connection stands again; `lossy`: packets of meanwhile may be lost."""

    lossy: bool = False


@dataclass(frozen=True, slots=True)
class AvatarLeft(Event):
    """The avatar left the room; it may come back."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class AvatarBack(Event):
    """The avatar is in the room again."""


@dataclass(frozen=True, slots=True)
class TokenExpiring(Event):
    """The room's token expires in `seconds_left`, where that is known."""

    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class SessionEnding(Event):
    """The session's `duration` is up in `seconds_left`."""

    seconds_left: float


@dataclass(frozen=True, slots=True)
class Disconnected(Event):
    """The room is gone for good; the last event. `reason` as in `DisconnectedError`."""

    reason: str


@dataclass(frozen=True, slots=True)
class EventsLost(Event):
    """This reader was too slow: `count` events before the next one are lost to it."""

    count: int


@dataclass(frozen=True, slots=True)
class HandlerFailed(Event):
    """A handler or the responder raised; the conversation went on."""

    error: BaseException
    where: str
