"""One conversation: builds its parts, and passes on what happens to the part it is for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from akool_async import events as ev
from akool_async.concurrency import Flag, check_loop
from akool_async.conversation.commands import Commands
from akool_async.conversation.driver import Driver
from akool_async.conversation.event_bus import EventBus
from akool_async.conversation.liveness import Liveness
from akool_async.conversation.meter import Meter
from akool_async.conversation.options import ConversationOptions, ConversationStats, SessionInfo
from akool_async.conversation.params import Params
from akool_async.conversation.pending import Finish, PendingReply, Question
from akool_async.conversation.people import People
from akool_async.conversation.questions import Questions
from akool_async.conversation.reply_tracker import ReplyTracker
from akool_async.conversation.responder import Responder
from akool_async.conversation.session_log import SessionLog
from akool_async.conversation.settings import Settings
from akool_async.conversation.speech.echo import BotText, EchoFilter
from akool_async.conversation.speech.queue import SpeechQueue
from akool_async.conversation.speech_adapter import SpeechAdapter
from akool_async.conversation.transcript import Transcript
from akool_async.conversation.turns import Turns
from akool_async.conversation.user_speech import Heard, UserSpeech
from akool_async.errors import ConversationClosedError, DisconnectedError, SendError
from akool_async.errors.base import raised_again
from akool_async.media.playback_job import PlaybackLimits
from akool_async.media.playback_queue import PlaybackQueue
from akool_async.media.session import SessionMedia
from akool_async.stream import QueuedPacket
from akool_async.stream.dialects import capabilities_of
from akool_async.stream.messages import (
    Chat,
    ChatDelta,
    CommandAnswer,
    LatePart,
    PartialChat,
    Received,
    SpeechEvent,
    UnknownMessage,
)
from akool_async.transport import ConnectionChange, ConnectionState, Transport

__all__ = ["Conversation"]


class Conversation:
    """Implements `Listener` for the driver, and the ports of questions, speech and the responder.

    Attributes:
        error: what ended it; `None` while it goes on.
        closing_task: closes it; where it is a handler's or the responder's, nothing waits for it.
    """

    def __init__(
        self, transport: Transport, info: SessionInfo, options: ConversationOptions, meter: Meter
    ) -> None:
        self.info = info
        self.loop = asyncio.get_running_loop()
        self.transcript = Transcript(limit=options.transcript_entries)
        self.counts = ConversationStats()
        self.log = SessionLog(lambda: self.info.session_id)
        self.events = EventBus(
            reader_limit=options.event_queue,
            handler_limit=options.event_handler_queue,
            on_error=options.on_error,
            log=self.log.event,
        )
        self.people = People(self.events.publish)
        self.meter = meter
        self.media = SessionMedia(self.events.publish, self.now, self.meter)
        capabilities = capabilities_of(transport.dialect)
        if not capabilities.has_fin:
            options = replace(options, quiet_time=options.v3_quiet_time)
        self.options = options
        self.has_commands = capabilities.has_commands
        self.driver = Driver(transport, options, self, self.log)
        self.turns = Turns(options, clock=self.now, ids_everywhere=not capabilities.has_fin)
        self.commands = Commands(
            self.driver, options, turns=self.turns, stats=self.counts, meter=self.meter
        )
        self.settings = Settings(
            info, transport.limits, commands=self.commands, outbox=self.driver.outbox
        )
        self.replies = ReplyTracker(
            options,
            turns=self.turns,
            reliable=transport.limits.reliable,
            transcript=self.transcript,
            stats=self.counts,
            publish=self.events.publish,
            unanswered=lambda mid: self.commands.name_of(mid) is not None,
            began=self.meter.latencies.reply_begun,
        )
        self.user_speech = UserSpeech(
            options, self.turns, marks_end=lambda: "user" in self.driver.codec.marks_end
        )
        self.liveness = Liveness(
            options,
            driver=self.driver,
            commands=self.commands,
            settings=self.settings,
            replies=self.replies,
            turns=self.turns,
            events=self.events,
            stats=self.counts,
            duration=info.duration,
            ends_at=info.ends_at(self.now()),
            lost=self.connection_lost,
        )
        #: Set, unless another session is about to take over: then what is new waits for its avatar.
        self.gate = Flag(is_set=True)
        self.speech_port = SpeechAdapter(self)
        self.speech = SpeechQueue(self.speech_port)
        self.wait_until_said = self.speech.idle
        self.questions = Questions(self)
        self.playbacks = PlaybackQueue(
            self.speech_port,
            PlaybackLimits(
                step=options.send_timeout,
                first_audio=options.text_timeout,
                more_audio=options.audio_timeout,
                report=options.playback_margin,
            ),
        )
        self.echoes = EchoFilter()
        self.responder: Responder | None = None
        #: What tries to go on when a room is lost; `True`: it does.
        self.rescue: Callable[[BaseException], bool] = lambda _: False
        self.error: BaseException | None = None
        self.closing_task: asyncio.Task[Any] | None = None

    def now(self) -> float:
        """The time, in seconds of the event loop's clock."""
        return self.loop.time()

    def check_open(self) -> None:
        """Raises what ended the conversation, if anything did."""
        if self.error is not None:
            raise self.make_error()

    def check_loop(self) -> None:
        """Raises `RuntimeError` outside the conversation's event loop, as in another thread."""
        check_loop(self.loop, "session")

    def speech_pending(self) -> bool:
        """Whether anything is being said or answered, or waits to be."""
        return self.speech.busy or self.speech_port.avatar_busy or self.playbacks.busy

    def make_error(self) -> BaseException:
        """A new instance of what ended it: raising one twice would grow its traceback."""
        if isinstance(self.error, DisconnectedError):
            return raised_again(self.error)
        return ConversationClosedError("the conversation was closed")

    def connection_lost(self, error: BaseException) -> None:
        """Everything that waits fails with this error, once."""
        if self.error is not None or self.rescue(error):
            return
        if isinstance(error, DisconnectedError) and self.liveness.duration_is_up(self.now()):
            over = DisconnectedError("the session's duration is up", reason="duration")
            over.__cause__ = error
            error = over
        self.error = error
        self.commands.fail_all(self.make_error)
        self.replies.fail_all(self.make_error)
        self.speech.fail_all(self.make_error)
        self.playbacks.fail_all(self.make_error)
        self.driver.end()
        self.liveness.ended()
        self.gate.set()
        self.media.end(error)
        reason = error.reason if isinstance(error, DisconnectedError) else "closed"
        self.events.publish(ev.Disconnected(reason))

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether closing waits for a task: a handler's, the responder's or an utterance's."""
        return any(part.runs(task) for part in (self.events, self.speech, self.responder) if part)

    async def stop(self) -> None:
        """Ends the tasks, all at once: one that takes its time must not keep the others."""
        parts = (self.driver, self.liveness, self.playbacks, self.media)
        await asyncio.gather(self._stop_speaking(), *(part.stop() for part in parts))

    async def leave(self, timeout: float) -> None:
        """Leaves the room."""
        await self.driver.transport.close(timeout=timeout)

    async def _stop_speaking(self) -> None:
        if self.responder is not None:
            await self.responder.stop()
        await self.speech.stop(spare=self.closing_task)

    def stats(self) -> ConversationStats:
        """The counts, with the transport's."""
        theirs = self.driver.transport_stats()
        return replace(
            self.counts,
            utterances=self.speech.utterances,
            echoes=self.echoes.count,
            packets_sent=theirs.packets_sent,
            bytes_sent=theirs.bytes_sent,
            packets_received=theirs.packets_received,
            bytes_received=theirs.bytes_received,
            dropped=dict(theirs.dropped),
            events_lost=self.events.lost,
            frames_dropped=self.media.frames_dropped,
            timings=self.meter.timings(),
        )

    # What the driver reports.

    def message_received(self, message: Received, now: float) -> None:
        """See `Listener`."""
        if isinstance(message, ChatDelta | Chat | PartialChat):
            if message.sender == "user":
                self._user_text(message, now)
            elif message.sender == "bot":
                self._avatar_text(message, now)
            elif not isinstance(message, ChatDelta):
                self._unknown("a chat that says neither bot nor user")
        elif isinstance(message, CommandAnswer):
            self.commands.answered(message)
        elif isinstance(message, SpeechEvent):
            self._speech_event(message, now)
        elif isinstance(message, LatePart):
            if not self.echoes.is_echo(message.mid):
                self.counts.late_parts += 1
                self.events.publish(ev.MessageLate(message.text, message.mid, message.idx))
        elif isinstance(message, UnknownMessage):
            self._unknown(message.reason, message.raw)
        else:
            self._unknown(f"a {type(message).__name__}, which only the avatar is sent")

    def connection_changed(self, change: ConnectionChange, now: float) -> None:
        """See `Listener`."""
        if change.state is ConnectionState.PARTICIPANTS:
            self.people.look(self.driver.transport)
        else:
            self.liveness.changed(change, now)

    def packet_sending(self, packet: QueuedPacket) -> None:
        """See `Listener`."""
        self.turns.packet_sending(packet.key)
        self.speech.packet_sending(packet.key)
        if packet.key == self.speech.mid:
            self.echoes.answer_sent()
            self.meter.latencies.speech_sending(packet.key)
        elif self.commands.name_of(packet.key) == "interrupt":
            self.meter.latencies.interrupt_sending()

    def packet_sent(self, packet: QueuedPacket) -> None:
        """See `Listener`."""
        self.turns.packet_sent(packet.key)
        self.speech.packet_sent(packet.key)

    def packet_failed(self, packet: QueuedPacket, error: SendError) -> None:
        """See `Listener`."""
        pending = self.turns.packet_failed(packet.key, error)
        if pending is not None and pending.entry is not None and not pending.handed_over:
            self.transcript.discard(pending.entry)
        self.speech.packet_failed(packet.key, error)

    def deadline(self) -> float | None:
        """See `Listener`."""
        parts = (self.commands, self.replies, self.user_speech, self.liveness)
        return min((t for part in parts if (t := part.deadline()) is not None), default=None)

    def expire(self, now: float) -> None:
        """See `Listener`."""
        self.commands.expire(now)
        self._finish(self.replies.expire(now), now)
        self._finish(self.user_speech.expire(now), now)
        if self.error is None:
            self.liveness.expire(now)

    def readers_behind(self) -> bool:
        """See `Listener`."""
        return self.events.crowded

    def _finish(self, finished: Sequence[Finish], now: float) -> None:
        """Ends messages without `fin` that are over by other signs."""
        for finish in finished:
            messages = self.driver.codec.finish(
                finish.mid, finish.sender, ended=finish.ended, now=now
            )
            if not messages:  # the codec holds nothing of it any more
                messages = [Chat(finish.text, finish.mid, finish.sender, "quiet")]
            for message in messages:
                self.message_received(message, now)

    def _avatar_text(self, message: BotText, now: float) -> None:
        texts: list[BotText] = [message]
        if not self.replies.begun(message.mid):
            # First: an echo, too, shows that what was being heard is whole.
            self._finish(self.user_speech.avatar_answers(), now)
            if (pending := self.turns.get(message.mid)) is None:
                texts = self._without_echo(message, now)
            elif pending.closed:
                # A text that was cut off: its last part came behind the interrupt.
                self.speech.interrupt_unless_ours()
        for text in texts:
            if isinstance(text, ChatDelta):
                self.replies.delta(text, now)
            elif isinstance(text, Chat):
                self.replies.chat(text, now)
            else:
                self.replies.partial(text, now)

    def _without_echo(self, message: BotText, now: float) -> list[BotText]:
        """What is left of a message when the service speaks back what a person said."""
        texts, begins = self.echoes.take(message, now)
        if begins:
            interrupt = self.options.suppress_echo and not self.speech_port.avatar_busy
            self.speech.echo_begun(message.mid, interrupt=interrupt or self.responder is not None)
        return texts

    def _user_text(self, message: ChatDelta | Chat | PartialChat, now: float) -> None:
        speech = self.user_speech
        if isinstance(message, ChatDelta):
            speech.delta(message, now)
            return
        heard = speech.chat(message) if isinstance(message, Chat) else speech.partial(message)
        if heard is not None:
            self._user_spoke(heard, now)

    def _user_spoke(self, heard: Heard, now: float) -> None:
        self.meter.latencies.user_spoke()
        self.transcript.add("user", "speech", heard.text, mid=heard.mid)
        if self.settings.mode != 1:
            self.turns.hear(heard.mid, heard.text, now)
        elif self.driver.capabilities.reports_speech:
            # A responder answers it, and no question of ours waits besides.
            ours = self.responder is not None and not self.speech_port.avatar_busy
            self.echoes.user_spoke(heard.text, heard.mid, now, answered_by_us=ours)
        if self.responder is not None:
            self.responder.heard(heard.text, heard.mid, complete=heard.complete)
        self.events.publish(ev.UserSpoke(heard.text, heard.mid, heard.complete))

    def _speech_event(self, message: SpeechEvent, now: float) -> None:
        mid = message.mid
        self.media.avatar_speaks(message.event == "audio_start")
        known = self.turns.is_known(mid) or self.echoes.is_echo(mid)
        about = self.turns.answered_by(mid)
        if message.event == "audio_start":
            self.meter.latencies.speaking_started(about, known=known or bool(self.speech.mid))
            self.replies.audio_started(mid)
            self.speech.audio_started(about, known=known)
            self.events.publish(ev.SpeakingStarted(mid))
        elif message.event == "audio_end":
            self.meter.latencies.speaking_stopped()
            self.replies.audio_ended(mid, now)
            self.speech.audio_ended(about, known=known)
            self.events.publish(ev.SpeakingStopped(mid))
        else:
            self._unknown(f"an event named {message.event!r}")

    def _unknown(self, reason: str, raw: bytes = b"") -> None:
        self.counts.unknown_packets += 1
        self.events.publish(ev.UnknownReceived(raw, reason))

    def interrupted(self, earlier: frozenset[PendingReply]) -> None:
        """See `SpeechParts`."""
        self.replies.interrupted(self.now(), earlier)
        self.speech.interrupted()

    # What questions ask for: `QuestionPort`.

    @property
    def keeps_retelling(self) -> bool:
        """See `QuestionPort`."""
        return self.responder is not None

    def send_question(self, question: Question, packets: Sequence[bytes]) -> None:
        """See `QuestionPort`."""
        self.turns.open(question)
        self.speech_port.enqueue(question.mid, packets, more=False)
        self.driver.schedule()

    @property
    def saying(self) -> bool:
        """See `QuestionPort`."""
        return bool(self.speech.unspoken)

    # What a responder asks for: `ResponderPort`.

    @property
    def language(self) -> str | None:
        """See `ResponderPort`."""
        return self.settings.params.language

    @property
    def is_over(self) -> bool:
        """See `ResponderPort`."""
        return self.error is not None

    async def keep_retelling_mode(self) -> None:
        """See `ResponderPort`."""
        await self.speech_port.set_retelling_mode()
        self.settings.prefer(Params(mode=1))

    def report(self, error: BaseException, where: str) -> None:
        """See `ResponderPort`."""
        self.events.report(error, where)

    def answered_by_service(self, mid: str) -> bool:
        """See `ResponderPort`."""
        return not self.turns.drop_unanswered(mid)

    def remove_responder(self, responder: Responder) -> None:
        """See `ResponderPort`."""
        if self.responder is responder:
            self.responder = None
