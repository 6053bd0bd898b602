"""What happened in a conversation: every event a program can match on, and the reply.

All of them are frozen dataclasses. `AvatarSession.events` gives them to a reader, and
`AvatarSession.on` to a function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

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
#: `interrupt` was answered while the reply was coming in, or before it began.
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


@dataclass(frozen=True, slots=True)
class Reply:
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
    """Speech recognition heard a person in the room; typed questions that come back are left out.

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
    """A part came after its message had ended."""

    text: str
    mid: str
    idx: int


@dataclass(frozen=True, slots=True)
class UnknownReceived(Event):
    """A packet that wasn't understood, with its bytes and why."""

    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class UnknownSenderMessage(Event):
    """A participant that isn't the avatar sends messages; reported once, all are counted."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class ParticipantJoined(Event):
    """Someone is in the room and can hear; `name` is for people to read, "" where there is none.

    Not of those who were there before the session opened: `AvatarSession.participants`.
    """

    identity: str
    name: str = ""
    is_avatar: bool = False


@dataclass(frozen=True, slots=True)
class ParticipantLeft(Event):
    """Someone left the room, or the connection was given up."""

    identity: str
    name: str = ""
    is_avatar: bool = False


@dataclass(frozen=True, slots=True)
class ParticipantSpeaking(Event):
    """Someone began to speak, or ceased to, by the room's own measure of loudness.

    Known while it is asked for by name, `on(ParticipantSpeaking)` or `events(ParticipantSpeaking)`:
    a LiveKit room says it only of those whose sound is received, which costs some of the processor.
    The avatar's is received while there are readers of it.
    """

    identity: str
    name: str = ""
    is_avatar: bool = False
    speaking: bool = True


@dataclass(frozen=True, slots=True)
class Reconnecting(Event):
    """The connection is interrupted and being made again."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reconnected(Event):
    """The connection is back; `lossy`: packets of meanwhile may be lost."""

    lossy: bool = False


@dataclass(frozen=True, slots=True)
class AvatarReady(Event):
    """The avatar is in the room, and the session opens.

    `publishing`: whether it was seen to publish audio or video, as the service's avatars do before
    they hear anything; `None` where the room can't tell.
    """

    publishing: bool | None


@dataclass(frozen=True, slots=True)
class AvatarLeft(Event):
    """The avatar left the room; it may come back."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class AvatarReturned(Event):
    """The avatar is in the room again."""


@dataclass(frozen=True, slots=True)
class TrackPublished(Event):
    """The avatar publishes audio or video from now on; it needn't be read.

    `track_id` and `name` are the room's, as in `AvatarSession.tracks`.
    """

    kind: Literal["audio", "video"]
    track_id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class TrackUnpublished(Event):
    """The avatar doesn't publish this track any more, or left."""

    kind: Literal["audio", "video"]
    track_id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class FirstAudio(Event):
    """The first audio of the avatar came to a reader, `seconds` after the session was joined."""

    seconds: float


@dataclass(frozen=True, slots=True)
class FirstVideo(Event):
    """The first picture of the avatar came to a reader, `seconds` after the session was joined."""

    seconds: float


@dataclass(frozen=True, slots=True)
class TokenExpiring(Event):
    """The room's token expires in `seconds_left`, where that is known."""

    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class SessionEnding(Event):
    """The session's `duration` is up in `seconds_left`."""

    seconds_left: float


@dataclass(frozen=True, slots=True)
class SessionRenewing(Event):
    """`open_session(…, renew="quiet")`: the session ends in `seconds_left`; another is opened."""

    session_id: str | None
    seconds_left: float


@dataclass(frozen=True, slots=True)
class SessionRenewed(Event):
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
    credentials: Mapping[str, object] = field(repr=False)
    gap: float = 0.0
    quiet: bool = True


@dataclass(frozen=True, slots=True)
class SessionNotRenewed(Event):
    """No other session can be had: this one ends in `seconds_left`, `error` says why."""

    error: BaseException
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Idle(Event):
    """No one has spoken for `seconds`; `watch` is what `on_idle` or `idle_timeout` set up."""

    seconds: float
    watch: object = field(default=None, repr=False, compare=False)


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
