"""What happened in a conversation: every event a program can match on, and the reply.

All of them are immutable structs of `msgspec`: its `structs.asdict` and `structs.replace` go with
them. `AvatarSession.events` gives them to a reader, and `AvatarSession.on` to a function.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

__all__ = [
    "AvatarLeft",
    "AvatarReady",
    "AvatarReturned",
    "Disconnected",
    "Event",
    "EventsLost",
    "FirstAudio",
    "FirstVideo",
    "HandlerFailed",
    "Idle",
    "MatchedBy",
    "MessageLate",
    "ParticipantJoined",
    "ParticipantLeft",
    "ParticipantSpeaking",
    "Reconnected",
    "Reconnecting",
    "Reply",
    "ReplyDelta",
    "ReplyDone",
    "ReplyEnd",
    "ReplyIncomplete",
    "ReplyOptions",
    "ReplyStarted",
    "SessionEnding",
    "SessionNotRenewed",
    "SessionRenewed",
    "SessionRenewing",
    "SpeakingStarted",
    "SpeakingStopped",
    "TokenExpiring",
    "TrackPublished",
    "TrackUnpublished",
    "UnknownReceived",
    "UnknownSenderMessage",
    "UserSpoke",
]


#: What ended a reply: "fin", its last part was marked; "next", (v3) another answer began; "quiet",
#: no part came for the quiet time; "audio_end", the avatar stopped speaking; "interrupted", an
#: `interrupt` was sent while the reply was coming in, or answered before it began.
ReplyEnd = Literal["fin", "next", "quiet", "audio_end", "interrupted"]

#: How a reply was matched to its question: "mid", it carries the question's `mid`; "order", it was
#: the first message after the question, by an avatar that gives its replies mids of their own.
MatchedBy = Literal["mid", "order"]


class ReplyOptions(Protocol):
    """(v3) What came with an answer: `akool_async.stream.QuestionOptions`."""

    @property
    def voice_id(self) -> str | None:
        """A voice."""
        ...

    @property
    def voice_url(self) -> str | None:
        """A voice of one's own."""
        ...

    @property
    def language(self) -> str | None:
        """The language, as the service names it: "English"."""
        ...

    @property
    def mode_type(self) -> Literal[1, 2] | None:
        """1 retelling, 2 dialogue."""
        ...


class Reply(msgspec.Struct, frozen=True):
    """A whole message of the avatar.

    Attributes:
        text: its text. In retelling mode, where the avatar sends no text, the text it was given.
        mid: the message's own mid; "" where the avatar left it out.
        ended: what ended it.
        question: the mid of the question it answers, `None` where it answers no `ask`.
        first_after: seconds from the question to the first piece, `None` without a question.
        took: seconds from the question (or the first piece) to the end.
        options: (v3) what came with the answer.
        matched_by: how it was matched to its question, `None` without a question.
    """

    text: str
    mid: str
    ended: ReplyEnd
    question: str | None = None
    first_after: float | None = None
    took: float = 0.0
    options: ReplyOptions | None = None
    matched_by: MatchedBy | None = None


class Event(msgspec.Struct, frozen=True):
    """Base of every event; `on(Event)` hears all of them."""


class ReplyStarted(Event, frozen=True):
    """The avatar began a message. `question` is the mid of what it answers, `None`: of no `ask`."""

    mid: str
    question: str | None = None


class ReplyDelta(Event, frozen=True):
    """The next piece of the avatar's message."""

    text: str
    mid: str
    question: str | None = None


class ReplyDone(Event, frozen=True):
    """A message of the avatar is over: an answer to `ask` or to speech, or of its own accord."""

    reply: Reply
    question: str | None = None

    @property
    def text(self) -> str:
        """The message's text."""
        return self.reply.text


class ReplyIncomplete(Event, frozen=True):
    """Parts of a message were lost: `text` is what did arrive, `missing` the parts that didn't."""

    text: str
    mid: str
    missing: tuple[int, ...]
    reason: str
    question: str | None = None


class UserSpoke(Event, frozen=True):
    """Speech recognition heard a person in the room; typed questions that come back are left out.

    `complete` is `False` where parts of the text were lost on the way.
    """

    text: str
    mid: str
    complete: bool = True


class SpeakingStarted(Event, frozen=True):
    """The avatar began to speak (`audio_start`)."""

    mid: str = ""


class SpeakingStopped(Event, frozen=True):
    """The avatar stopped speaking (`audio_end`)."""

    mid: str = ""


class MessageLate(Event, frozen=True):
    """A part came after its message had ended."""

    text: str
    mid: str
    idx: int


class UnknownReceived(Event, frozen=True):
    """A packet that wasn't understood, with its bytes and why."""

    raw: bytes
    reason: str


class UnknownSenderMessage(Event, frozen=True):
    """A participant that isn't the avatar sends messages; reported once, all are counted."""

    reason: str = ""


class ParticipantJoined(Event, frozen=True):
    """Someone is in the room and can hear; `name` is for people to read, "" where there is none.

    Not of those who were there before the session opened: `AvatarSession.participants`.
    """

    identity: str
    name: str = ""
    is_avatar: bool = False


class ParticipantLeft(Event, frozen=True):
    """Someone left the room, or the connection was given up."""

    identity: str
    name: str = ""
    is_avatar: bool = False


class ParticipantSpeaking(Event, frozen=True):
    """Someone began to speak, or ceased to, by the room's own measure of loudness.

    Known while it is asked for by name, `on(ParticipantSpeaking)` or `events(ParticipantSpeaking)`:
    a LiveKit room says it only of those whose sound is received, which costs some of the processor.
    The avatar's is received while there are readers of it.
    """

    identity: str
    name: str = ""
    is_avatar: bool = False
    speaking: bool = True


class Reconnecting(Event, frozen=True):
    """The connection is interrupted and being made again."""

    reason: str = ""


class Reconnected(Event, frozen=True):
    """The connection is back; `lossy`: packets of meanwhile may be lost."""

    lossy: bool = False


class AvatarReady(Event, frozen=True):
    """The avatar is in the room, and the session opens.

    `publishing`: whether it was seen to publish audio or video, as the service's avatars do before
    they hear anything; `None` where the room can't tell.
    """

    publishing: bool | None


class AvatarLeft(Event, frozen=True):
    """The avatar left the room; it may come back."""

    reason: str = ""


class AvatarReturned(Event, frozen=True):
    """The avatar is in the room again."""


class TrackPublished(Event, frozen=True):
    """The avatar publishes audio or video from now on; it needn't be read.

    `track_id` and `name` are the room's, as in `AvatarSession.tracks`.
    """

    kind: Literal["audio", "video"]
    track_id: str
    name: str = ""


class TrackUnpublished(Event, frozen=True):
    """The avatar doesn't publish this track any more, or left."""

    kind: Literal["audio", "video"]
    track_id: str
    name: str = ""


class FirstAudio(Event, frozen=True):
    """The first audio of the avatar came to a reader, `seconds` after the session was joined."""

    seconds: float


class FirstVideo(Event, frozen=True):
    """The first picture of the avatar came to a reader, `seconds` after the session was joined."""

    seconds: float


class TokenExpiring(Event, frozen=True):
    """The room's token expires in `seconds_left`, where that is known."""

    seconds_left: float | None = None


class SessionEnding(Event, frozen=True):
    """The session's `duration` is up in `seconds_left`."""

    seconds_left: float


class SessionRenewing(Event, frozen=True):
    """`open_session(…, renew="quiet")`: the session ends in `seconds_left`; another is opened."""

    session_id: str | None
    seconds_left: float


class SessionRenewed(Event, frozen=True):
    """Another session has taken over; the avatar that people should see now is its.

    Attributes:
        session_id: the new session's.
        previous_id: of the one that is closed now.
        avatar_id: its avatar: another one, where the first of several can't be had now.
        transport: the kind of its room.
        own_room: the room is the user's own: people stay in it, and see the new avatar there.
        credentials: of the new room, with their token, by the service's names: what a viewer needs
            who watches the service's room. In no repr.
        gap: seconds for which no avatar could hear, because the old session had to be closed first.
        quiet: `False`: no quiet moment came in time. What was being said was cut off.
    """

    session_id: str | None
    previous_id: str | None
    avatar_id: str | None
    transport: str
    own_room: bool
    credentials: Mapping[str, object]
    gap: float = 0.0
    quiet: bool = True

    def __repr__(self) -> str:
        return _repr(self, hidden="credentials")


class SessionNotRenewed(Event, frozen=True):
    """No other session can be had: this one ends in `seconds_left`, `error` says why."""

    error: BaseException
    seconds_left: float


class Idle(Event, frozen=True):
    """No one has spoken for `seconds`; `watch` is what `on_idle` or `idle_timeout` set up."""

    seconds: float
    watch: object = None

    def __eq__(self, other: object) -> bool:
        return self.seconds == other.seconds if isinstance(other, Idle) else NotImplemented

    def __hash__(self) -> int:
        return hash((Idle, self.seconds))

    def __repr__(self) -> str:
        return _repr(self, hidden="watch")


class Disconnected(Event, frozen=True):
    """The room is gone for good; the last event. `reason` as in `DisconnectedError`."""

    reason: str


class EventsLost(Event, frozen=True):
    """This reader was too slow: `count` events before the next one are lost to it."""

    count: int


class HandlerFailed(Event, frozen=True):
    """A handler or the responder raised; the conversation went on."""

    error: BaseException
    where: str


def _repr(event: Event, *, hidden: str) -> str:
    """As every event's, without one field."""
    pairs: list[tuple[str, Any]] = [
        (name, getattr(event, name)) for name in event.__struct_fields__
    ]
    shown = ", ".join(f"{name}={value!r}" for name, value in pairs if name != hidden)
    return f"{type(event).__name__}({shown})"
