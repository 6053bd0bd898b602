"""What keeps a conversation going: the transport, the codec, two tasks and one timer.

The driver decides nothing. It reads packets, hands their messages on, sends what the outbox has,
and gives its listener the time when that asked for it.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Final, Protocol

from akool_async.concurrency import Flag
from akool_async.conversation.options import ConversationOptions
from akool_async.conversation.outbox import Outbox
from akool_async.conversation.session_log import SessionLog
from akool_async.errors import DisconnectedError, SendError
from akool_async.stream import QueuedPacket, ReassemblyBounds, StreamCodec
from akool_async.stream.messages import Received
from akool_async.transport import ConnectionChange, Transport, TransportStats

__all__ = ["Driver", "Listener"]

#: Packets that are read before other tasks get to run.
_YIELD_AFTER: Final = 50
#: A timer that fires this many seconds late: the program held up its event loop.
_LATE: Final = 0.25
#: What arrived meanwhile counts as read when nothing more was received for this long, in seconds,
#: and the longest that is waited for that.
_DRAINED: Final = 0.3
_LONGEST_DRAIN: Final = 3.0
#: So often it may be held up again meanwhile: an event loop that is always slow must go on, too.
_MOST_ROUNDS: Final = 5


class Listener(Protocol):
    """What a driver reports, on the event loop and one at a time. `now` is the loop's time."""

    def message_received(self, message: Received, now: float) -> None:
        """The codec made a message of what was received."""

    def connection_changed(self, change: ConnectionChange, now: float) -> None:
        """The transport reports a change, in its place among the packets."""

    def packet_sending(self, packet: QueuedPacket) -> None:
        """A packet is handed to the room. What the avatar answers may come before `packet_sent`."""

    def packet_sent(self, packet: QueuedPacket) -> None:
        """The room took the packet."""

    def packet_failed(self, packet: QueuedPacket, error: SendError) -> None:
        """The room didn't take the packet. What else waited under its key is dropped."""

    def deadline(self) -> float | None:
        """When `expire` has something to do next."""
        ...

    def expire(self, now: float) -> None:
        """Does what is due by `now`."""

    def connection_lost(self, error: BaseException) -> None:
        """The room is gone for good."""

    def readers_behind(self) -> bool:
        """Whether tasks that read events should run before more packets are read."""
        ...


class Driver:
    """Owns the transport, the codec, the outbox, the reader and sender tasks, and the timer."""

    def __init__(
        self,
        transport: Transport,
        options: ConversationOptions,
        listener: Listener,
        log: SessionLog | None = None,
    ) -> None:
        self.transport = transport
        self.limits = transport.limits
        #: When a packet was received last.
        self.last_received = 0.0
        self._wake = Flag()
        self.outbox = Outbox(
            transport.limits, waiting_bytes=options.waiting_bytes, wake=self._wake.set
        )
        # Twice what `ReplyTracker` waits for a message's next part: the codec only ends what
        # nothing is known of there, because its first part is the one that was lost.
        longest = 2 * max(options.quiet_time, options.fin_timeout if self.limits.reliable else 0)
        self.codec = StreamCodec(
            transport.limits,
            transport.dialect,
            own_id=transport.own_id,
            peer_id=transport.peer_id,
            bounds=ReassemblyBounds(age=longest),
            quiet_time=longest,
        )
        self.capabilities = self.codec.capabilities
        self._options = options
        self._listener = listener
        self._log = log or SessionLog()
        self._loop = asyncio.get_running_loop()
        self._reader: asyncio.Task[None] | None = None
        self._sender: asyncio.Task[None] | None = None
        self._over = Flag()
        self._received = 0
        self._timer: asyncio.TimerHandle | None = None
        self._scheduling = False
        #: When the timer is due. Kept here: uvloop's handle of a timer due at once has no `when`.
        self._due = 0.0
        self._drain_until: float | None = None
        self._drained_at = 0
        self._rounds = 0
        #: Set unless a packet is being handed to the room.
        self._between_packets = Flag(is_set=True)
        self._earlier = TransportStats()
        self._resolution = time.get_clock_info("monotonic").resolution

    # Its life.

    def start(self) -> None:
        """Begins to read and to send; the transport is connected."""
        self.last_received = self.now()
        self._reader = self._loop.create_task(self._read(), name="akool-reader")
        self._reader.add_done_callback(partial(self._task_ended, "receiving"))
        if self._sender is None or self._sender.done():
            self._sender = self._loop.create_task(self._send(), name="akool-sender")
            self._sender.add_done_callback(partial(self._task_ended, "sending"))
        self.schedule()

    def end(self) -> None:
        """The conversation is over: nothing is sent any more, and the timer stops."""
        self._over.set()
        self.outbox.end()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def wait_ended(self) -> None:
        """Returns once the conversation is over."""
        await self._over.wait()

    async def stop(self) -> None:
        """Ends both tasks."""
        self.end()
        tasks = [task for task in (self._reader, self._sender) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def now(self) -> float:
        """The time, in seconds of the event loop's clock."""
        return self._loop.time()

    # Another transport takes over.

    async def detach(self) -> None:
        """Receives no more from this transport. The outbox has to be held: nothing is sent either,
        once the packet that is being sent was taken or refused.
        """
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        await self._between_packets.wait()

    def attach(self, transport: Transport) -> None:
        """Goes on with a connected transport of the same kind. What waits is sent by it as soon as
        the outbox isn't held.
        """
        self._earlier = self.transport_stats()
        self.transport = transport
        self.start()

    def transport_stats(self) -> TransportStats:
        """What this transport and those before it counted."""
        total = TransportStats()
        for stats in (self._earlier, self.transport.stats):
            total.packets_sent += stats.packets_sent
            total.bytes_sent += stats.bytes_sent
            total.packets_received += stats.packets_received
            total.bytes_received += stats.bytes_received
            total.dropped.update(stats.dropped)
        return total

    # What is sent.

    async def _send(self) -> None:
        outbox = self.outbox
        while True:
            packet = outbox.next(self.now())
            if not isinstance(packet, QueuedPacket):
                await self._sleep(packet)
                continue
            self._listener.packet_sending(packet)
            self._between_packets.clear()
            try:
                await self.transport.send(packet.data, timeout=self._options.send_timeout)
            except SendError as error:
                outbox.cancel(packet.key)
                self._listener.packet_failed(packet, error)
            except DisconnectedError as error:
                self._listener.connection_lost(error)
                return
            else:
                self._log.packet("sent", packet.data)
                self._listener.packet_sent(packet)
            finally:
                self._between_packets.set()
            outbox.packets_gone()
            self.schedule()

    async def _sleep(self, until: float | None) -> None:
        self._wake.clear()
        timer = self._loop.call_at(until, self._wake.set) if until is not None else None
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()

    # What is received.

    async def _read(self) -> None:
        listener = self._listener
        while not self._over.is_set():
            try:
                item = await self.transport.receive()
            except DisconnectedError as error:
                listener.connection_lost(error)
                return
            now = self.now()
            self._received += 1
            if isinstance(item, bytes):
                self.last_received = now
                self._log.packet("received", item)
                for message in self.codec.decode(item, now=now):
                    listener.message_received(message, now)
            else:
                listener.connection_changed(item, now)
            self.schedule()
            if self._received % _YIELD_AFTER == 0 or listener.readers_behind():
                # `receive` doesn't suspend while packets wait; whoever reads events has to run.
                await asyncio.sleep(0)

    def _task_ended(self, what: str, task: asyncio.Task[None]) -> None:
        """A task ends by being stopped or with the room; anything else is the room's end, too."""
        error: BaseException | None
        if task.cancelled():
            # Of something that the transport awaited; the task itself wasn't asked to end.
            error = None if task.cancelling() else asyncio.CancelledError()
        else:
            error = task.exception()
        if error is not None:
            lost = DisconnectedError(f"{what} failed: {type(error).__name__}", reason="failed")
            lost.__cause__ = error
            self._listener.connection_lost(lost)

    # Time.

    def schedule(self) -> None:
        """Looks at the deadline again: to be called when one may have come nearer.

        It is looked at once, after what is ready to run now: whoever waits for a reply comes first.
        """
        if not (self._scheduling or self._over.is_set()):
            self._scheduling = True
            self._loop.call_soon(self._look_at_deadline)

    def _look_at_deadline(self) -> None:
        self._scheduling = False
        if self._over.is_set() or self._drain_until is not None:
            return
        when = min(
            (t for t in (self._listener.deadline(), self.codec.deadline()) if t is not None),
            default=None,
        )
        if when is None:
            return
        if self._timer is not None:
            if self._due <= when:
                return  # fires early and looks again, which is cheaper than moving it each time
            self._timer.cancel()
        self._call_at(when)

    def _call_at(self, when: float) -> None:
        self._due = when
        self._timer = self._loop.call_at(when, self._fires)

    def _fires(self) -> None:
        self._timer = None
        now = self.now()
        if self._still_draining(now):
            self._call_at(now + _DRAINED)
            return
        # A timer may fire a clock tick early; what is due by then is due.
        due_by = now + self._resolution
        for message in self.codec.expire(due_by):
            self._listener.message_received(message, due_by)
        self._listener.expire(due_by)
        self.schedule()

    def _still_draining(self, now: float) -> bool:
        """Whether to wait until what arrived was read, because the event loop was held up, by a
        blocking call or a frozen process: nothing ends as late that had arrived in time.
        """
        if now - self._due > _LATE and self._rounds < _MOST_ROUNDS:
            self._drain_until = now + _LONGEST_DRAIN
            self._rounds += 1
        elif (
            self._drain_until is None
            or self._received == self._drained_at
            or now >= self._drain_until
        ):
            self._drain_until = None
            self._rounds = 0
            return False
        self._drained_at = self._received
        return True
