"""The line to the avatar: one reader, one sender and one timer around the parts that decide.

What the parts decide is theirs and synchronous; here they are wired to the transport and the codec,
told the time, and told together when the room is gone for good.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from akool_async.conversation import events as ev
from akool_async.conversation.commands import Commands
from akool_async.conversation.hearing import Hearing
from akool_async.conversation.options import ConversationOptions, ConversationStats, SessionInfo
from akool_async.conversation.outbox import Outbox
from akool_async.conversation.params import Params
from akool_async.conversation.readers import EventHub
from akool_async.conversation.replies import Replies
from akool_async.conversation.responder import Responder
from akool_async.conversation.speaking import Speaking
from akool_async.conversation.transcript import Transcript
from akool_async.conversation.turns import Turn
from akool_async.conversation.watch import Watch
from akool_async.errors import (
    CommandRejectedError,
    CommandTimeoutError,
    ConversationClosedError,
    DisconnectedError,
    SendError,
)
from akool_async.stream import ReassemblyBounds, StreamCodec, new_mid
from akool_async.stream.messages import (
    Chat,
    ChatDelta,
    Command,
    CommandAnswer,
    Ended,
    Interrupt,
    LatePart,
    PartialChat,
    Received,
    Sender,
    SpeechEvent,
    UnknownMessage,
)
from akool_async.transport import ConnectionChange, ConnectionState, Transport

__all__ = ["Line"]

#: After this many joins without a word from the avatar the room counts as gone.
_MOST_IN_VAIN: Final = 2


class Timed(Protocol):
    """A part that has to be told the time."""

    def deadline(self) -> float | None:
        """When `expire` has something to do next."""

    def expire(self, now: float) -> None:
        """Does what is due."""


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
            # The codec ends answers by this time; nobody may end them before.
            options = replace(options, quiet_time=options.v3_quiet_time)
        self.options = options
        self.error: BaseException | None = None
        self.counts = ConversationStats()
        self.params = Params.from_info(info)
        self.codec = StreamCodec(
            transport.limits,
            transport.dialect,
            own_id=transport.own_id,
            peer_id=transport.peer_id,
            bounds=ReassemblyBounds(
                age=options.fin_patience if transport.limits.reliable else options.quiet_time
            ),
            quiet_time=options.v3_quiet_time,
        )
        self.hub = EventHub(
            reader_limit=options.event_queue,
            handler_limit=options.event_handler_queue,
            on_error=options.on_error,
        )
        self.transcript = Transcript(limit=options.transcript_entries)
        self.outbox = Outbox(
            transport,
            send_timeout=options.send_timeout,
            waiting_bytes=options.waiting_bytes,
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
        self.replies = Replies(
            options,
            reliable=transport.limits.reliable,
            transcript=self.transcript,
            stats=self.counts,
            publish=self.hub.publish,
            finish=lambda mid, ended: self._finish(mid, "bot", ended),
            clock=self.loop.time,
        )
        self.hearing = Hearing(
            quiet_time=options.audio_end_grace,
            spoken=self._spoken,
            finish=lambda mid, ended: self._finish(mid, "user", ended),
        )
        now = self.loop.time()
        started = info.created if info.created is not None else now
        self.watch = Watch(
            options,
            self,
            owed=self._owed,
            now=now,
            ends_at=started + info.duration if info.duration is not None else None,
        )
        self.speaking = Speaking(self)
        self.responder: Responder | None = None
        self._params_lock = asyncio.Lock()
        self._strangers = False
        self._alarm: asyncio.TimerHandle | None = None
        self._reader: asyncio.Task[None] | None = None
        self._rescue: asyncio.Task[None] | None = None
        self._reconnects_in_vain = 0
        self._resolution = time.get_clock_info("monotonic").resolution

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
        self.speaking.fail_all(self.make_error)
        self.outbox.end()
        self._cancel_alarm()
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

    def stats(self) -> ConversationStats:
        """The counts, with the transport's."""
        theirs = self.transport.stats
        return replace(
            self.counts,
            packets_sent=theirs.packets_sent,
            bytes_sent=theirs.bytes_sent,
            packets_received=theirs.packets_received,
            bytes_received=theirs.bytes_received,
            dropped=dict(theirs.dropped),
            events_lost=self.hub.lost,
        )

    async def stop(self) -> None:
        """Ends the tasks."""
        self._cancel_alarm()
        if self.responder is not None:
            await self.responder.stop()
        await self.speaking.stop()
        tasks = [t for t in (self._reader, self._rescue) if t is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self.outbox.stop()

    # Asking.

    async def command(self, command: Command, *, timeout: float) -> CommandAnswer:
        """Sends a command until it is answered."""
        self.check_open()
        packets = self.codec.encode(command)
        pending = self.commands.start(command, packets, now=self.loop.time(), timeout=timeout)
        self.schedule()
        return await self.commands.wait(pending)

    async def set_params(self, params: Params, *, timeout: float) -> None:
        """Sets them, one call after the other: an older one that is sent again must not undo a
        newer one.
        """
        async with self._params_lock:
            await self.command(params.message(new_mid()), timeout=timeout)
            self.params = self.params.updated(params)

    def send_interrupt(self, *, timeout: float) -> Coroutine[Any, Any, None]:
        """Hands an interrupt to the outbox at once; what it returns waits for the answer."""
        command = Interrupt(new_mid())
        packets = self.codec.encode(command)
        pending = self.commands.start(command, packets, now=self.loop.time(), timeout=timeout)
        self.schedule()

        async def answered() -> None:
            await self.commands.wait(pending)
            self.replies.interrupted(self.loop.time())
            self.schedule()

        return answered()

    def send_chat(self, key: str, packets: Sequence[bytes], *, more: bool = False) -> None:
        """Hands packets of a chat to the outbox; `more` of them will follow."""
        self.commands.chat_follows()
        self.outbox.push(key, packets, more=more)

    def open_turn(self, turn: Turn) -> None:
        """A turn begins to wait for the avatar."""
        self.replies.open(turn)
        self.hearing.sent(turn.mid, turn.text, self.loop.time())
        self.schedule()

    def _owed(self) -> float | None:
        times = [t for t in (self.commands.owed, self.replies.owed) if t is not None]
        return min(times, default=None)

    def _packet_sent(self, key: str) -> None:
        self.replies.packet_sent(key)
        self.speaking.packet_sent(key)
        self.schedule()

    def _packet_failed(self, key: str, error: SendError) -> None:
        self.replies.send_failed(key, error)
        self.speaking.send_failed(key, error)

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
            if isinstance(item, bytes):
                self.watch.heard(now)
                self._reconnects_in_vain = 0
                for message in self.codec.decode(item, now=now):
                    self._handle(message, now)
            else:
                self._changed(item, now)
            self.schedule()

    def _handle(self, message: Received, now: float) -> None:
        if isinstance(message, ChatDelta | Chat | PartialChat):
            self._text(message, now)
        elif isinstance(message, CommandAnswer):
            if self.commands.answered(message):
                self.watch.trusts_probes = True
        elif isinstance(message, SpeechEvent):
            self._speech_event(message, now)
        elif isinstance(message, LatePart):
            self.counts.late_parts += 1
            self.hub.publish(ev.MessageLate(message.text, message.mid, message.idx))
        elif isinstance(message, UnknownMessage):
            self.counts.unknown_packets += 1
            self.hub.publish(ev.UnknownReceived(message.raw, message.reason))
        else:
            self._unknown(f"a {type(message).__name__}, which only the avatar is sent")

    def _text(self, message: ChatDelta | Chat | PartialChat, now: float) -> None:
        if message.sender is None:
            if not isinstance(message, ChatDelta):
                self._unknown("a chat that says neither bot nor user")
            return
        if message.sender == "bot" and not self.replies.begun(message.mid):
            self.hearing.answered(now)
        part = self.hearing if message.sender == "user" else self.replies
        if isinstance(message, ChatDelta):
            part.delta(message, now)
        elif isinstance(message, Chat):
            part.chat(message, now)
        else:
            part.partial(message)

    def _unknown(self, reason: str) -> None:
        self.counts.unknown_packets += 1
        self.hub.publish(ev.UnknownReceived(b"", reason))

    def _speech_event(self, message: SpeechEvent, now: float) -> None:
        if message.event == "audio_start":
            self.speaking.audio_started(message.mid)
            self.hub.publish(ev.SpeakingStarted(message.mid))
        elif message.event == "audio_end":
            self.replies.audio_end(now)
            self.speaking.audio_ended(message.mid)
            self.hub.publish(ev.SpeakingStopped(message.mid))
        else:
            self._unknown(f"an event named {message.event!r}")

    def _spoken(self, text: str, mid: str, complete: bool) -> None:
        self.transcript.add("user", "speech", text, mid=mid)
        if self.params.mode != 1 and self.responder is None:
            now = self.loop.time()
            key = mid or new_mid()
            turn = Turn("speech", key, text, now=now, timeout=self.options.speech_turn)
            turn.sent = True
            self.replies.open(turn)
        if self.responder is not None:
            self.responder.heard(text, mid, complete=complete)
        self.hub.publish(ev.UserSpoke(text, mid, complete))

    def _finish(self, mid: str, sender: Sender, ended: Ended) -> None:
        now = self.loop.time()
        for message in self.codec.finish(mid, sender, ended=ended, now=now):
            self._handle(message, now)

    def _changed(self, change: ConnectionChange, now: float) -> None:
        state = change.state
        if state is ConnectionState.RECONNECTING:
            self.outbox.pause()
            self.hub.publish(ev.Reconnecting(change.reason))
        elif state is ConnectionState.RECONNECTED:
            self.counts.reconnects += 1
            self.watch.heard(now)
            if change.lossy:
                self.commands.resend_all(now)
                self.replies.lost_packets(now, at_once=self.v3)
            self.outbox.resume()
            self.hub.publish(ev.Reconnected(change.lossy))
        elif state is ConnectionState.AVATAR_LEFT:
            self.outbox.pause()
            self.hub.publish(ev.AvatarLeft(change.reason))
            self.watch.avatar_left(now)
        elif state is ConnectionState.AVATAR_BACK:
            self.watch.avatar_back(now)
            self.commands.resend_all(now)
            self.outbox.resume()
            self.hub.publish(ev.AvatarBack())
        elif state is ConnectionState.TOKEN_EXPIRING:
            self.hub.publish(ev.TokenExpiring(change.seconds_left))
        elif state is ConnectionState.STRANGER and not self._strangers:
            self._strangers = True
            self.hub.publish(ev.StrangerMessage(change.reason))

    # Time.

    def schedule(self) -> None:
        """Sees to it that the parts are told the time when they asked to be."""
        if self.error is not None:
            return
        times = [t for part in self._timed() if (t := part.deadline()) is not None]
        if (codec := self.codec.deadline()) is not None:
            times.append(codec)
        if not times:
            return
        when = min(times)
        if self._alarm is not None:
            if self._alarm.when() <= when:
                return  # rings early and looks again
            self._alarm.cancel()
        self._alarm = self.loop.call_at(when, self._ring)

    def _timed(self) -> tuple[Timed, ...]:
        return (self.commands, self.replies, self.hearing, self.watch)

    def _ring(self) -> None:
        self._alarm = None
        # A timer may fire a clock tick early; what is due by then is due.
        now = self.loop.time() + self._resolution
        for message in self.codec.expire(now):
            self._handle(message, now)
        for part in self._timed():
            if self.error is None:
                part.expire(now)
        self.schedule()

    def _cancel_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    # What the watch asks for.

    def notice(self, seconds_left: float) -> None:
        """The session is about to end."""
        self.hub.publish(ev.SessionEnding(seconds_left))

    def give_up(self, reason: str, message: str) -> None:
        """The room is gone for good."""
        self.fail(DisconnectedError(message, reason=reason))

    def probe(self) -> None:
        """Asks the silent room for a sign of life; joins anew if there is none."""
        if self._rescue is None or self._rescue.done():
            self.counts.probes += 1
            self._rescue = self.loop.create_task(self._probe(), name="akool-probe")

    async def _probe(self) -> None:
        options = self.options
        try:
            try:
                await self.command(self.params.message(new_mid()), timeout=options.probe_timeout)
            except CommandRejectedError:
                pass  # an answer is a sign of life, whatever it says
            except CommandTimeoutError:
                if self._reconnects_in_vain >= _MOST_IN_VAIN:
                    self.give_up("silent", "the room stayed silent, joined anew or not")
                    return
                self._reconnects_in_vain += 1
                await self.transport.reconnect(timeout=options.reconnect_timeout)
        except DisconnectedError as error:
            self.fail(error)
        except ConversationClosedError:
            return
        finally:
            self.watch.probed(self.loop.time())
            self.schedule()
