"""What speech, of text or of audio, needs of a conversation, made of its parts."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from akool_async.concurrency import Flag
from akool_async.conversation.commands import Commands
from akool_async.conversation.driver import Driver
from akool_async.conversation.event_bus import EventBus
from akool_async.conversation.meter import Meter
from akool_async.conversation.options import ConversationOptions
from akool_async.conversation.params import question_options
from akool_async.conversation.pending import PendingReply, Question, RetoldText
from akool_async.conversation.reply_tracker import ReplyTracker
from akool_async.conversation.settings import Settings
from akool_async.conversation.transcript import Transcript, TranscriptEntry
from akool_async.conversation.turns import Turns
from akool_async.errors import NotSupportedError
from akool_async.media.microphone_speech import MicrophoneSpeech
from akool_async.media.speech_audio import SpeechAudio
from akool_async.stream import ChatWriter, QueuedPacket, new_mid
from akool_async.stream.messages import CommandAnswer, Interrupt

__all__ = ["SpeechAdapter", "SpeechParts"]


class SpeechParts(Protocol):
    """The parts of a conversation that speech needs.

    Attributes:
        gate: set, unless another session takes over.
    """

    options: ConversationOptions
    has_commands: bool
    driver: Driver
    commands: Commands
    settings: Settings
    turns: Turns
    replies: ReplyTracker
    transcript: Transcript
    events: EventBus
    meter: Meter
    gate: Flag

    def interrupted(self, earlier: frozenset[PendingReply]) -> None:
        """An interrupt was answered; `earlier` is what the avatar had when it was sent."""


class SpeechAdapter:
    """Implements `SpeechPort` and `PlaybackPort`."""

    def __init__(self, parts: SpeechParts) -> None:
        limits = parts.driver.limits
        self.options = parts.options
        self.has_commands = parts.has_commands
        self.keeps_order = limits.ordered and limits.reliable
        self._parts = parts
        self._microphone: MicrophoneSpeech | None = None

    @property
    def interrupting(self) -> bool:
        """See `SpeechPort`."""
        return self._parts.commands.interrupting

    @property
    def avatar_busy(self) -> bool:
        """See `SpeechPort`."""
        return self._parts.replies.receiving or any(
            isinstance(turn, Question) and not turn.abandoned
            for turn in self._parts.turns.with_avatar()
        )

    async def admitted(self) -> None:
        """See `SpeechPort` and `PlaybackPort`."""
        await self._parts.gate.wait()

    def speech_audio(self) -> SpeechAudio:
        """See `PlaybackPort`."""
        transport = self._parts.driver.transport
        if transport.speech_audio is not None:
            return transport.speech_audio
        media = transport.media
        if media is None or not media.capabilities.speak:
            raise NotSupportedError(
                f"the {transport.name} transport, or its token, lets no audio into the room; a "
                "LiveKit room of your own does: OwnLiveKitRoom(audio_only_from_data_stream=True)"
            )
        if self._microphone is None or self._microphone.media is not media:
            self._microphone = MicrophoneSpeech(media)
        return self._microphone

    def open_message(self, answered: Callable[[], None]) -> ChatWriter:
        """See `SpeechPort`."""
        options = None
        if not self.has_commands:
            options = question_options(self._parts.settings.params.question(), mode=1)
        writer = self._parts.driver.codec.open_chat(new_mid(), options=options)
        # Without audio events the end of the answer has to serve. Speech ends it, by
        # `close_message`.
        audible = self._parts.driver.capabilities.has_audio_events
        on_reply = None if audible else lambda _: answered()
        self._parts.turns.open(
            RetoldText(writer.mid, now=self._parts.driver.now(), on_reply=on_reply)
        )
        self._parts.driver.schedule()
        return writer

    def begin_entry(self, mid: str) -> TranscriptEntry:
        """See `SpeechPort`."""
        turn = self._parts.turns.get(mid)
        if turn is not None and turn.entry is not None:
            return turn.entry
        entry = self._parts.transcript.begin("avatar", "said", mid=mid)
        if isinstance(turn, RetoldText):
            turn.entry = entry
        return entry

    def enqueue(
        self,
        mid: str,
        packets: Sequence[bytes | QueuedPacket],
        *,
        more: bool,
        urgent: bool = False,
    ) -> None:
        """See `SpeechPort`."""
        if urgent:
            self._parts.driver.outbox.push(f"{mid} end", packets, urgent=True)
            return
        self._parts.commands.chat_follows()
        self._parts.driver.outbox.push(mid, packets, more=more)

    def text_known(self, mid: str, text: str) -> None:
        """See `SpeechPort`."""
        turn = self._parts.turns.get(mid)
        if turn is not None:
            turn.text = text

    def withdraw(self, mid: str) -> int:
        """See `SpeechPort`."""
        return self._parts.driver.outbox.cancel(mid)

    def close_message(self, mid: str, entry: TranscriptEntry | None, *, cut_off: bool) -> None:
        """See `SpeechPort`."""
        turn = self._parts.turns.get(mid)
        if isinstance(turn, RetoldText) and turn.message is None:
            if cut_off:
                self._parts.turns.outlive(turn)
            else:
                self._parts.turns.drop(mid)
        if entry is not None and entry.source == "said":
            self._parts.transcript.end(entry, interrupted=cut_off)

    async def wait_for_capacity(self) -> None:
        """See `SpeechPort`."""
        await self._parts.driver.outbox.wait_for_capacity(timeout=self.options.send_timeout)

    async def set_retelling_mode(self) -> None:
        """See `SpeechPort`."""
        if self.has_commands:
            await self._parts.settings.set_mode(1, timeout=self.options.command_timeout)

    def send_interrupt(self, *, timeout: float | None = None) -> Coroutine[Any, Any, CommandAnswer]:
        """See `SpeechPort`."""
        earlier, mid = self._parts.turns.with_avatar(), new_mid()
        answered = self._parts.commands.send(
            Interrupt(mid),
            timeout=timeout or self.options.command_timeout,
            on_success=lambda: self._parts.interrupted(earlier),
        )
        self._parts.replies.interrupting(mid, earlier)
        return answered

    def last_piece_sent(self, seconds: float) -> None:
        """See `SpeechPort`."""
        self._parts.meter.duration("utterance.to_packet", seconds)

    def utterance_ended(self, seconds: float, state: str, error: BaseException | None) -> None:
        """See `SpeechPort`."""
        name = type(error).__name__ if error is not None else ""
        self._parts.meter.span("utterance", seconds, name, **{"akool.utterance.state": state})

    def report(self, error: BaseException, where: str) -> None:
        """See `SpeechPort` and `PlaybackPort`."""
        self._parts.events.report(error, where)
