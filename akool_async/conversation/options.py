"""Every limit of a conversation in one place, and what is known about the session it is about."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from akool_async import validation
from akool_async.errors import InvalidParameterError
from akool_async.rooms.viewers import RoomLinks
from akool_async.stream.limits import Dialect
from akool_async.telemetry.measurements import Measurements

__all__ = [
    "ConversationOptions",
    "ConversationStats",
    "Mode",
    "SceneMode",
    "SessionInfo",
    "Timing",
]

#: The largest whole number that an option may be: a clock can't count with any.
_LARGEST: Final = 2**53

#: 1 retelling: the avatar says the text it is given. 2 dialogue: it answers it.
Mode = Literal[1, 2]
SceneMode = Literal["fast_dialogue", "meeting"]


@dataclass(frozen=True, slots=True)
class ConversationOptions:
    """Time limits in seconds, sizes in what their names say. Nothing waits without one of them.

    Attributes:
        connect_timeout: joining the room, the avatar's coming included. The `livekit` client
            alone takes up to 32 s against a server that stays silent, so less fails earlier.
        ready_timeout: after joining, for the avatar to publish audio or video: what it is sent
            before may be lost. In a room without any the session opens then, with a warning.
        opening_timeout: the answer to the set-params that opening ends with; without one the
            session opens all the same, with a warning.
        command_timeout: from `set_params`, `interrupt` or `act` to the command's answer.
        command_resend: between two sendings of a command that has no answer yet, same `mid`.
        match_timeout: a reply under a mid of its own, matched to its question by order, is held
            this long, once in a session: one under the question's mid would take its place. Then
            this avatar is known to use mids of its own.
        reply_timeout: from a question to the end of its reply, where `ask` is given no other.
        quiet_time: a reply that never gets its `fin` is over when no piece came for this long.
            Pieces come at the pace of a language model, so a pause of seconds is ordinary.
        fin_timeout: takes the place of `quiet_time` once this avatar was seen to send `fin`.
        audio_end_timeout: a reply without `fin` is over this long after `audio_end`, unless
            another piece comes meanwhile.
        interrupt_timeout: after an answered `interrupt`, replies that get no further piece for
            this long are over, and say so.
        v3_quiet_time: in the chat room, which has no end mark at all, an answer is over when no
            frame came for this long: longer than the pause between two frames of one answer,
            short enough to wait for at every reply.
        send_timeout: one packet, from the sender to the room's taking it.
        silence_after: when the avatar owes an answer and nothing at all was heard for this
            long, the room is probed with a command; `None` never does.
        probe_timeout: when the probe isn't answered either, the room is joined again.
        reconnect_timeout: joining again, once.
        lossy_timeout: after a reconnect that may have lost packets, questions without a
            further piece for this long fail as interrupted; they are never sent again.
        avatar_return: how long an avatar that left may stay away before the session is over;
            a full reconnect of its own shows as leaving and coming back.
        ending_notice: `SessionEnding` comes this long before the session's `duration` is up; by
            default a fifth of the duration, 60 at most.
        ending_timeout: this long after `duration` is up a silent room counts as ended.
        close_timeout: leaving the room and ending the tasks, when the conversation is closed.
        session_close_timeout: trying to close the session at the service, beside that and whatever
            the client's `max_retries` is; `None`: as the client has it, 60 s by default.
        event_queue: events kept for one reader; a slower one loses the oldest.
        event_handler_queue: the same for one handler given to `on()`.
        waiting_bytes: chat waiting to be sent; beyond it `ask` and `say` wait for room.
        transcript_entries: the newest this many are kept.
        speech_turn: how long a recognised user message may wait for the avatar's answer before
            a later unmarked reply is no longer taken for it.
        text_timeout: the longest that `say` and a responder wait for the next piece of text of an
            iterator or a function; then the utterance fails, and what waits behind it is said.
        audio_timeout: the same for `play_audio`, from one piece of audio to the next. An avatar
            that is sent none for 10 s takes the speech for ended.
        playback_margin: the avatar reports that audio was played within its own time and this
            much more; or this long after it was asked to stop.
        interrupt_wait: a text that follows an interrupt is sent when that was answered, or after
            this long; where packets may overtake each other, not before the answer.
        suppress_echo: in retelling mode the service speaks back what people say; as long as
            nothing of ours is being said, the avatar is interrupted when it does. The echo's text
            is kept out of replies, events and transcript in any case, and counted.
        first_piece: `say` with an async iterable sends what it has after this long, when no
            sentence or clause ended before.
        piece_bytes: and as soon as this many bytes wait, boundary or not; `None`: one packet.
        words_per_second: the slowest the avatar is assumed to speak; bounds waiting for an
            `audio_end` that may never come.
        speech_margin: seconds added to that bound.
        on_error: called with the exception of a failed event handler or responder, after the
            `HandlerFailed` event; must not raise.
        telemetry: given the session's durations, spans and counts, as by
            `akool_async.telemetry.open_telemetry()`; `None`: as the client has it.
    """

    connect_timeout: float = 30.0
    ready_timeout: float = 5.0
    opening_timeout: float = 5.0
    command_timeout: float = 10.0
    command_resend: float = 1.0
    match_timeout: float = 1.5
    reply_timeout: float = 60.0
    quiet_time: float = 5.0
    fin_timeout: float = 20.0
    audio_end_timeout: float = 1.0
    interrupt_timeout: float = 1.0
    v3_quiet_time: float = 1.5
    send_timeout: float = 15.0
    silence_after: float | None = 8.0
    probe_timeout: float = 5.0
    reconnect_timeout: float = 20.0
    lossy_timeout: float = 8.0
    avatar_return: float = 15.0
    ending_notice: float | None = None
    ending_timeout: float = 10.0
    close_timeout: float = 8.0
    session_close_timeout: float | None = None
    event_queue: int = 1000
    event_handler_queue: int = 1000
    waiting_bytes: int = 256 * 1024
    transcript_entries: int = 5_000
    speech_turn: float = 15.0
    text_timeout: float = 30.0
    audio_timeout: float = 8.0
    playback_margin: float = 5.0
    interrupt_wait: float = 0.25
    suppress_echo: bool = True
    first_piece: float = 0.3
    piece_bytes: int | None = None
    words_per_second: float = 1.5
    speech_margin: float = 5.0
    on_error: Callable[[BaseException], None] | None = None
    telemetry: Measurements | None = None

    def __post_init__(self) -> None:
        if self.telemetry is not None:
            validation.methods("telemetry", self.telemetry, "begin")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is None or field.name in ("on_error", "telemetry"):
                continue
            if field.name == "suppress_echo":
                validation.flag(field.name, value)
                continue
            number = validation.plain(value)
            if isinstance(number, bool) or not isinstance(number, int | float) or not number > 0:
                shown = validation.quoted(value)
                raise InvalidParameterError(field.name, f"{shown} isn't a number above 0")
            if isinstance(number, int) and number > _LARGEST:
                raise InvalidParameterError(field.name, f"is more than {_LARGEST}")
            object.__setattr__(self, field.name, number)  # frozen; of a built-in type

    def speaking_time(self, text: str) -> float:
        """Seconds that saying `text` may take at most, in our estimate."""
        # Languages written without spaces: a character takes about as long as half a word.
        words = len(text.split()) + sum(char >= "\u2e80" for char in text) / 2
        return self.speech_margin + words / self.words_per_second


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What is known about a session; for a session made elsewhere most of it is `None`.

    Attributes:
        session_id: the service's id.
        avatar_id: the avatar.
        transport: the transport's name.
        duration: seconds the session lives, from `created`.
        created: when the call that created it was sent, in seconds of the event loop's clock;
            `None`: when joined.
        create_time: seconds that creating it took; `None`: when joined.
        mode: 1 retelling, 2 dialogue; as it was created.
        scene_mode: "meeting" (it lip-syncs audio), "fast_dialogue" or `None`; as it was created.
        language: as it was created.
        voice_id: as it was created.
        voice_url: as it was created. In no repr, as the next one: a URL may hold a signature.
        background_url: as it was created.
        pull_url: (v3) where the video is watched: FLV over HTTP. In no repr: the room's secret
            name is in its path.
        links: how people get tokens for its room.
        estimated_credits: what its whole duration costs by the client's `credits_per_minute`;
            `None`: without that, or where the duration isn't known. The service takes it at
            once, and gives back what wasn't used.
    """

    session_id: str | None = None
    avatar_id: str | None = None
    transport: str = ""
    dialect: Dialect = "v2"
    duration: float | None = None
    created: float | None = None
    create_time: float | None = None
    mode: Mode | None = None
    scene_mode: SceneMode | None = None
    language: str | None = None
    voice_id: str | None = None
    voice_url: str | None = dataclasses.field(default=None, repr=False)
    background_url: str | None = dataclasses.field(default=None, repr=False)
    pull_url: str | None = dataclasses.field(default=None, repr=False)
    links: RoomLinks = dataclasses.field(default=RoomLinks(), repr=False, compare=False)
    estimated_credits: float | None = None

    def ends_at(self, now: float) -> float | None:
        """When the duration is up, in seconds of the event loop's clock; `None`: not known."""
        if self.duration is None:
            return None
        return (now if self.created is None else self.created) + self.duration


@dataclass(frozen=True, slots=True)
class Timing:
    """The percentiles of a duration, in seconds, over its newest 1,000 values."""

    count: int
    p50: float
    p90: float
    p99: float
    longest: float


@dataclass(slots=True)
class ConversationStats:
    """Counted since the session opened; packets and bytes are the transport's own figures.

    `timings`: how long things took, by the names of docs/telemetry.md without `akool.`.
    """

    packets_sent: int = 0
    bytes_sent: int = 0
    packets_received: int = 0
    bytes_received: int = 0
    questions: int = 0
    replies: int = 0
    incomplete_replies: int = 0
    utterances: int = 0
    echoes: int = 0
    commands: int = 0
    commands_resent: int = 0
    late_parts: int = 0
    unknown_packets: int = 0
    stray_answers: int = 0
    events_lost: int = 0
    frames_dropped: int = 0
    reconnects: int = 0
    probes: int = 0
    dropped: dict[str, int] = dataclasses.field(default_factory=dict)
    timings: dict[str, Timing] = dataclasses.field(default_factory=dict)
