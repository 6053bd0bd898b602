"""The line to the avatar: one reader, one sender and one timer around the parts that decide.

What the parts decide is theirs and synchronous; here they are wired to the transport and the codec,
told the time, and told together when the room is gone for good.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, Protocol

from akool_async import events as ev
from akool_async.conversation.alarm import Alarm
from akool_async.conversation.commands import Commands
from akool_async.conversation.event_bus import EventBus
from akool_async.conversation.options import (
    ConversationOptions,
    ConversationStats,
    Mode,
    SessionInfo,
)
from akool_async.conversation.outbox import Outbox
from akool_async.conversation.params import Params, question_options
from akool_async.conversation.reception import Reception
from akool_async.conversation.reply_tracker import Finish, ReplyTracker
from akool_async.conversation.responder import Responder
from akool_async.conversation.speech.echo import EchoFilter
from akool_async.conversation.speech.queue import SpeechQueue
from akool_async.conversation.standing import Standing
from akool_async.conversation.transcript import Transcript, TranscriptEntry
from akool_async.conversation.turns import (
    HeardSpeech,
    PendingReply,
    Question,
    RetoldText,
    Turns,
)
from akool_async.conversation.user_speech import UserSpeech
from akool_async.conversation.watch import Watch
from akool_async.errors import (
    CommandRejectedError,
    CommandTimeoutError,
    ConversationClosedError,
    DisconnectedError,
    SendError,
)
from akool_async.stream import ReassemblyBounds, StreamCodec, new_mid
from akool_async.stream.chat_writer import ChatWriter
from akool_async.stream.messages import (
    Command,
    CommandAnswer,
    Interrupt,
)
from akool_async.stream.queued_packet import QueuedPacket
from akool_async.transport import Transport

__all__ = ["Line"]

#: Packets that are read before other tasks get to run.
_YIELD_AFTER: Final = 50


class Timed(Protocol):
    """A part that has to be told the time."""

    def deadline(self) -> float | None:
        """When `expire` has something to do next."""

    def expire(self, now: float) -> Sequence[Finish] | None:
        """Does what is due; returns the messages that the codec has to end."""


class Line:
    """Everything of one conversation that isn't its public face."""

    def __init__(
        self, transport: Transport, info: SessionInfo, options: ConversationOptions
    ) -> None:
        self.transport = transport
        self.info = info
        self.loop = asyncio.get_running_loop()
        self.v3 = transport.dialect == "v3"
        if self.v3:
            options = replace(options, quiet_time=options.v3_quiet_time)
        self.options = options
        self.error: BaseException | None = None
        self.counts = ConversationStats()
        #: The caller's settings, as given to create and to `set_params`.
        self.params = Params.from_info(info)
        #: The mode the avatar is in, as far as is known: `say` may have changed it.
        self.mode: Mode | None = info.mode
        self._retelling_by_us = False
        # Twice what is waited here for a message's next part: the codec only gives up what nothing
        # is known of here, because its first part is the one that was lost.
        reliable = transport.limits.reliable
        patience = max(options.quiet_time, options.fin_patience if reliable else 0)
        self.codec = StreamCodec(
            transport.limits,
            transport.dialect,
            own_id=transport.own_id,
            peer_id=transport.peer_id,
            bounds=ReassemblyBounds(age=2 * patience),
            # `ReplyTracker` ends answers: a codec that is given the time of the next packet would
            # end what was only read late.
            quiet_time=2 * patience,
        )
        self.hub = EventBus(
            reader_limit=options.event_queue,
            handler_limit=options.event_handler_queue,
            on_error=options.on_error,
        )
        self.reception = Reception(self)
        self.standing = Standing(self)
        self.transcript = Transcript(limit=options.transcript_entries)
        self.outbox = Outbox(
            transport,
            send_timeout=options.send_timeout,
            waiting_bytes=options.waiting_bytes,
            leaves=self._packet_leaves,
            sent=self._packet_sent,
            failed=self._packet_failed,
            gone=self.fail,
        )
        self.commands = Commands(
            resend=options.command_resend,
            stats=self.counts,
            push=lambda mid, packets: self.outbox.push(mid, packets, urgent=True),
            waiting=self.outbox.waiting,
            withdraw=self.outbox.withdraw,
        )
        self.turns = Turns(options, clock=self.loop.time, ids_everywhere=self.v3)
        self.replies = ReplyTracker(
            options,
            turns=self.turns,
            reliable=transport.limits.reliable,
            transcript=self.transcript,
            stats=self.counts,
            publish=self.hub.publish,
        )
        self.user_speech = UserSpeech(
            options, self.turns, marks_end=lambda: "user" in self.codec.marks_end
        )
        now = self.loop.time()
        started = info.created if info.created is not None else now
        self.watch = Watch(
            options,
            self.standing,
            owed=self._owed,
            now=now,
            ends_at=started + info.duration if info.duration is not None else None,
        )
        self.speech = SpeechQueue(self)
        self.echoes = EchoFilter()
        self.responder: Responder | None = None
        self._params_lock = asyncio.Lock()
        #: Who closes: a handler or a responder may, and mustn't be waited for then.
        self.closing_task: asyncio.Task[Any] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._alarm = Alarm(
            self.loop,
            deadline=self._deadline,
            ring=self._ring,
            received=lambda: self._received,
        )
        self._received = 0

    # Opening and ending.

    def start(self) -> None:
        """Begins to read and to send; the transport is connected."""
        self.watch.heard(self.loop.time())
        self._reader = self.loop.create_task(self._read(), name="akool-reader")
        self._reader.add_done_callback(self._died)
        self.outbox.start()
        self.schedule()

    def fail(self, error: BaseException) -> None:
        """The room is gone for good: everything waiting fails with this error, once."""
        if self.error is not None:
            return
        now = self.loop.time()
        if isinstance(error, DisconnectedError) and self.watch.is_over(now):
            over = DisconnectedError("the session's duration is up", reason="duration")
            over.__cause__ = error
            error = over
        self.error = error
        self.commands.fail_all(self.make_error)
        self.replies.fail_all(self.make_error)
        self.speech.fail_all(self.make_error)
        self.outbox.end()
        self._alarm.stop()
        reason = error.reason if isinstance(error, DisconnectedError) else "closed"
        self.hub.publish(ev.Disconnected(reason))

    def make_error(self) -> BaseException:
        """A fresh instance of why this is over: raising one twice would grow its traceback."""
        error = self.error
        if isinstance(error, DisconnectedError):
            fresh: BaseException = DisconnectedError(
                str(error), reason=error.reason, retryable=error.retryable
            )
            fresh.__cause__ = error
            return fresh
        return ConversationClosedError("the conversation was closed")

    def check_open(self) -> None:
        """Raises what ended the conversation, if anything did."""
        if self.error is not None:
            raise self.make_error()

    def check_loop(self) -> None:
        """Raises `RuntimeError` outside the conversation's event loop, as in another thread."""
        try:
            running: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is not self.loop:
            raise RuntimeError(
                "this session belongs to an event loop that isn't running here; from another "
                "thread use asyncio.run_coroutine_threadsafe(coroutine, loop), where loop is the "
                "session's and the coroutine calls the session"
            )

    def stats(self) -> ConversationStats:
        """The counts, with the transport's."""
        theirs = self.transport.stats
        return replace(
            self.counts,
            utterances=self.speech.utterances,
            echoes=self.echoes.count,
            packets_sent=theirs.packets_sent,
            bytes_sent=theirs.bytes_sent,
            packets_received=theirs.packets_received,
            bytes_received=theirs.bytes_received,
            dropped=dict(theirs.dropped),
            events_lost=self.hub.lost,
        )

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether a task is a handler's or the responder's, which closing waits for."""
        responds = self.responder is not None and self.responder.runs(task)
        return responds or self.hub.runs(task)

    async def stop(self) -> None:
        """Ends the tasks."""
        self._alarm.stop()
        # All at once: a responder or an iterator that takes its time must not keep the others.
        await asyncio.gather(
            self._stop_reading(),
            self.outbox.stop(),
            self.standing.stop(),
            self._stop_speaking(),
        )

    async def _stop_reading(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])

    async def _stop_speaking(self) -> None:
        if self.responder is not None:
            await self.responder.stop()
        await self.speech.stop(spare=self.closing_task)

    # Asking.

    async def command(self, command: Command, *, timeout: float) -> CommandAnswer:
        """Sends a command until it is answered."""
        self.check_open()
        packets = self.codec.encode(command)
        self.turns.remember(command.mid, "command")
        pending = self.commands.start(command, packets, now=self.loop.time(), timeout=timeout)
        self.schedule()
        return await self.commands.wait(pending)

    async def set_params(self, params: Params, *, timeout: float) -> None:
        """Sets what the caller wants from now on."""
        await self._send_params(params, timeout)
        self.params = self.params.updated(params)

    async def set_mode(self, mode: Mode, *, timeout: float) -> None:
        """Puts the avatar into a mode, if it isn't in it. The caller's settings stay as they are.

        What was sent before is still heard in the mode of before.
        """
        if self.mode != mode:
            self._retelling_by_us = self._retelling_by_us or mode == 1
            await self._send_params(Params(mode=mode), timeout)

    @property
    def mode_to_restore(self) -> Mode | None:
        """The mode a question needs, where `say` set another; `None`: none has to be set."""
        wanted = self.params.mode
        if wanted is None and self._retelling_by_us:
            wanted = 2
        return wanted if wanted != self.mode else None

    async def _send_params(self, params: Params, timeout: float) -> None:
        # One after the other: an older command that is sent again must not undo a newer one.
        limit = self.loop.time() + timeout
        try:
            async with asyncio.timeout_at(limit):
                await self._params_lock.acquire()
        except TimeoutError:
            raise _not_sent(timeout, "an earlier set-params has no answer yet") from None
        try:
            before = self.mode
            if params.mode is not None and params.mode != before:
                try:  # commands overtake chat, which must not be heard in another mode
                    async with asyncio.timeout_at(limit):
                        await self.outbox.empty()
                except TimeoutError:
                    raise _not_sent(timeout, "chat from before it still waits") from None
                self.mode = None  # until the answer says so
            left = max(limit - self.loop.time(), 0.001)
            try:
                await self.command(params.message(new_mid()), timeout=left)
            except CommandRejectedError:
                self.mode = before
                raise
            if params.mode is not None:
                self.mode = params.mode
        finally:
            self._params_lock.release()

    def send_interrupt(self, *, timeout: float | None = None) -> Coroutine[Any, Any, CommandAnswer]:
        """Hands an interrupt to the outbox at once; what it returns waits for the answer."""
        command = Interrupt(new_mid())
        self.turns.remember(command.mid, "command")
        earlier = self.turns.with_avatar()
        pending = self.commands.start(
            command,
            self.codec.encode(command),
            now=self.loop.time(),
            timeout=timeout or self.options.command_timeout,
            effect=partial(self._interrupted, earlier),
        )
        self.schedule()
        return self.commands.wait(pending)

    def _interrupted(self, earlier: frozenset[PendingReply]) -> None:
        self.replies.interrupted(self.loop.time(), earlier)
        self.speech.interrupted()

    def send_chat(self, key: str, packets: Sequence[bytes]) -> None:
        """Hands packets of a chat to the outbox."""
        self.enqueue(key, packets, more=False)

    def open_turn(self, turn: PendingReply) -> None:
        """A turn begins to wait for the avatar."""
        self.turns.open(turn)
        self.schedule()

    # What speech and the responder ask for: `SpeechPort`, `ResponderPort`.

    @property
    def has_commands(self) -> bool:
        """See `SpeechPort`."""
        return not self.v3

    @property
    def keeps_order(self) -> bool:
        """See `SpeechPort`."""
        return self.transport.limits.ordered and self.transport.limits.reliable

    @property
    def interrupting(self) -> bool:
        """See `SpeechPort`."""
        return self.commands.interrupting

    @property
    def avatar_busy(self) -> bool:
        """See `SpeechPort`."""
        return self.replies.receiving or any(
            isinstance(turn, Question) and not turn.abandoned for turn in self.turns.with_avatar()
        )

    @property
    def language(self) -> str | None:
        """See `ResponderPort`."""
        return self.params.language

    @property
    def answers_speech(self) -> bool:
        """Whether a responder answers what is heard, and no question of ours waits besides."""
        return self.responder is not None and not self.avatar_busy

    @property
    def is_over(self) -> bool:
        """See `ResponderPort`."""
        return self.error is not None

    def open_message(self, answered: Callable[[], None]) -> ChatWriter:
        """See `SpeechPort`."""
        options = question_options(self.params.question(), mode=1) if self.v3 else None
        writer = self.codec.open_chat(new_mid(), options=options)
        # Without audio events the end of the answer has to serve. Speech ends it, by
        # `close_message`.
        on_reply = None if self.has_commands else lambda _: answered()
        self.open_turn(RetoldText(writer.mid, now=self.loop.time(), on_reply=on_reply))
        return writer

    def begin_entry(self, mid: str) -> TranscriptEntry:
        """See `SpeechPort`."""
        turn = self.turns.get(mid)
        if turn is not None and turn.entry is not None:
            return turn.entry
        entry = self.transcript.begin("avatar", "said", mid=mid)
        if isinstance(turn, RetoldText):
            turn.entry = entry
        return entry

    def enqueue(
        self, mid: str, packets: Sequence[bytes | QueuedPacket], *, more: bool, urgent: bool = False
    ) -> None:
        """See `SpeechPort`."""
        if urgent:
            self.outbox.push(f"{mid} end", packets, urgent=True)
            return
        self.commands.chat_follows()
        self.outbox.push(mid, packets, more=more)

    def text_known(self, mid: str, text: str) -> None:
        """See `SpeechPort`."""
        turn = self.turns.get(mid)
        if turn is not None:
            turn.text = text

    def withdraw(self, mid: str) -> int:
        """See `SpeechPort`."""
        return self.outbox.withdraw(mid).packets_dropped

    def close_message(self, mid: str, entry: TranscriptEntry | None, *, cut_off: bool) -> None:
        """See `SpeechPort`."""
        turn = self.turns.get(mid)
        if isinstance(turn, RetoldText) and turn.message is None:
            if cut_off:
                self.turns.outlive(turn)
            else:
                self.turns.drop(mid)
        if entry is not None and entry.source == "said":
            self.transcript.end(entry, interrupted=cut_off)

    async def wait_for_capacity(self) -> None:
        """See `SpeechPort`."""
        await self.outbox.room(timeout=self.options.send_timeout)

    async def set_retelling_mode(self) -> None:
        """See `SpeechPort`."""
        if not self.v3:
            await self.set_mode(1, timeout=self.options.command_timeout)

    async def keep_retelling_mode(self) -> None:
        """See `ResponderPort`."""
        await self.set_retelling_mode()
        self.params = self.params.updated(Params(mode=1))

    def report(self, error: BaseException, where: str) -> None:
        """See `SpeechPort`."""
        self.hub.report(error, where)

    def answered_by_service(self, mid: str) -> bool:
        """See `ResponderPort`."""
        turn = self.turns.get(mid)
        if not isinstance(turn, HeardSpeech) or turn.message is not None:
            return True
        self.turns.drop(mid)
        return False

    def remove_responder(self, responder: Responder) -> None:
        """See `ResponderPort`."""
        if self.responder is responder:
            self.responder = None

    def _owed(self) -> float | None:
        times = [t for t in (self.commands.owed, self.turns.waiting_since) if t is not None]
        return min(times, default=None)

    def _packet_leaves(self, key: str) -> None:
        self.turns.packet_sending(key)
        self.speech.packet_sending(key)
        if key == self.speech.mid:
            self.echoes.answer_sent()

    def _packet_sent(self, key: str) -> None:
        self.turns.packet_sent(key)
        self.speech.packet_sent(key)
        self.schedule()

    def _packet_failed(self, key: str, error: SendError) -> None:
        turn = self.turns.packet_failed(key, error)
        if turn is not None and turn.entry is not None and not turn.handed_over:
            self.transcript.discard(turn.entry)
        self.speech.packet_failed(key, error)

    # Hearing.

    def _died(self, task: asyncio.Task[None]) -> None:
        """Reading ends by being stopped or by the room's end; anything else is the room's end."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            gone = DisconnectedError(f"receiving failed: {type(error).__name__}", reason="failed")
            gone.__cause__ = error
            self.fail(gone)

    async def _read(self) -> None:
        clock = self.loop.time
        while self.error is None:
            try:
                item = await self.transport.receive()
            except DisconnectedError as error:
                self.fail(error)
                return
            now = clock()
            self._received += 1
            if isinstance(item, bytes):
                self.standing.heard(now)
                for message in self.codec.decode(item, now=now):
                    self.reception.take(message, now)
            else:
                self.standing.changed(item, now)
            self.schedule()
            if self.hub.crowded or self._received % _YIELD_AFTER == 0:
                # `receive` doesn't suspend while packets wait; whoever reads events has to run.
                await asyncio.sleep(0)

    # Time.

    def schedule(self) -> None:
        """Sees to it that the parts are told the time when they asked to be."""
        self._alarm.set()

    def _parts(self) -> tuple[Timed, ...]:
        return (self.commands, self.replies, self.user_speech, self.watch)

    def _deadline(self) -> float | None:
        times = [part.deadline() for part in self._parts()]
        times.append(self.codec.deadline())
        return min((t for t in times if t is not None), default=None)

    def _ring(self, now: float) -> None:
        for message in self.codec.expire(now):
            self.reception.take(message, now)
        for part in self._parts():
            if self.error is None:
                for finish in part.expire(now) or ():
                    self.reception.finish(finish, now)


def _not_sent(timeout: float, why: str) -> CommandTimeoutError:
    return CommandTimeoutError(f"set-params wasn't sent within {timeout:g} s: {why}")
