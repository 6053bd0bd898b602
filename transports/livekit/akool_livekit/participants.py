"""What a room's client tells, turned into packets and changes of the connection.

The client calls its handlers on the event loop, inside the room's own task: an exception there can
silence the room for good, a slow one stalls it (docs/livekit.md rule 8). So they do nothing but
move facts into the transport's inbox, and wake who waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from akool_async.transport import ConnectionChange, ConnectionState, Inbox, TransportStats
from akool_livekit.sender_filter import Ruling, Senders

if TYPE_CHECKING:
    from livekit import rtc
    from livekit.rtc.room import EventTypes

__all__ = ["Presence"]

#: The avatar's leaving is told this much later, in seconds: a reconnect of ours may follow it.
_LEFT_DELAY: Final = 0.1


class Presence:
    """Who is in the room, whether the avatar hears, and what came from it.

    Attributes:
        senders: rules on who sent a packet.
        avatar_here: set while the avatar is in the room and hears.
        connected: the transport's `connect` has returned; before that no change is told.
        on_disconnected: called with the vendor's reason when the room is over.
    """

    def __init__(self, senders: Senders, inbox: Inbox, stats: TransportStats) -> None:
        self.senders = senders
        self.avatar_here = asyncio.Event()
        self.connected = False
        self.on_disconnected: Callable[[str], None] | None = None
        self._inbox = inbox
        self._stats = stats
        self._loop = asyncio.get_running_loop()
        self._room: rtc.Room | None = None
        self._reconnecting = False
        self._lossy = False
        self._told_left = False
        self._hold_timer: asyncio.TimerHandle | None = None
        self._left_timer: asyncio.TimerHandle | None = None

    def listen(self, room: rtc.Room) -> None:
        """Hears this room from now on, and the one before no more.

        Called before `Room.connect()`: data that comes before it returns would be missed (rule 3).
        """
        from livekit import rtc

        self._room = room

        def on(event: EventTypes, handle: Callable[..., None]) -> None:
            # The client looks at a handler's signature and passes as much as it takes.
            def handler(about: object = None) -> None:
                if self._room is room:
                    handle(about)

            room.on(event, handler)

        on("data_received", self._data)
        on("participant_connected", self.announced)
        on("participant_active", self._active)
        on("participant_disconnected", self._left)
        on("reconnecting", lambda _: self.reconnecting())
        on("reconnected", lambda _: self.reconnected())
        on("disconnected", lambda reason: self._over(rtc.DisconnectReason.Name(reason)))

    def forget_room(self) -> None:
        """The room was left: whoever was in it is announced anew in the next one."""
        self._room = None
        self.avatar_here.clear()
        if self.senders.avatar is not None:
            self.senders.left(self.senders.avatar)

    def stop(self) -> None:
        """Hears nothing more."""
        self._room = None
        if self._hold_timer is not None:
            self._hold_timer.cancel()
            self._hold_timer = None
        self._no_left_timer()

    def announced(self, participant: rtc.RemoteParticipant) -> None:
        """Somebody is in the room, or was there already when we came (rule 4)."""
        from livekit import rtc

        self.senders.announced(participant.identity, self._loop.time())
        if participant.state == rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE:
            self._active(participant)

    def reconnecting(self) -> None:
        """The connection is being mended, or made anew."""
        if not self._reconnecting:
            self._reconnecting, self._lossy = True, self._no_left_timer()
            self._tell(ConnectionState.RECONNECTING)

    def reconnected(self, *, lossy: bool = False) -> None:
        """It stands again; `lossy` where it is another one than before."""
        if not self._reconnecting:
            return
        self._reconnecting = False
        if self.connected:
            self._inbox.put(
                ConnectionChange(ConnectionState.RECONNECTED, lossy=lossy or self._lossy)
            )
        if not self.avatar_here.is_set():
            self._tell_left()

    def _data(self, packet: rtc.DataPacket) -> None:
        identity = packet.participant.identity if packet.participant is not None else None
        if packet.topic and (identity is None or identity == self.senders.avatar):
            # Not the stream messages' channel: they have no topic (docs/protocol.md §2).
            self._stats.dropped["topic"] += 1
            return
        self._apply(self.senders.packet(packet.data, identity, self._loop.time()))
        self._set_hold_timer()

    def _apply(self, ruling: Ruling) -> None:
        for data in ruling.accepted:
            self._inbox.put(data)
        if ruling.dropped:
            self._stats.dropped["stranger"] += ruling.dropped
        if ruling.overflowed:
            self._stats.dropped["overflow"] += ruling.overflowed
        if ruling.stranger is not None:
            who = repr(ruling.stranger) if ruling.stranger else "somebody without a name"
            reason = f"{who} sends packets; they are dropped"
            self._inbox.put(ConnectionChange(ConnectionState.STRANGER, reason))

    def _set_hold_timer(self) -> None:
        deadline = self.senders.deadline()
        if deadline is not None and self._hold_timer is None:
            self._hold_timer = self._loop.call_at(deadline, self._held_long_enough)

    def _held_long_enough(self) -> None:
        self._hold_timer = None
        self._apply(self.senders.expire(self._loop.time()))
        self._set_hold_timer()

    def _active(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity != self.senders.avatar or self.avatar_here.is_set():
            return
        self.avatar_here.set()
        if self._no_left_timer():
            self._tell_left()
        if self._told_left:
            self._told_left = False
            self._tell(ConnectionState.AVATAR_BACK)

    def _left(self, participant: rtc.RemoteParticipant) -> None:
        if not self.senders.left(participant.identity):
            return
        self.avatar_here.clear()
        # A full reconnect shows as the avatar leaving and joining: not the end (rule 7). The client
        # may tell of the leaving first, and of the reconnect right after.
        if self._reconnecting:
            self._lossy = True
        elif self._left_timer is None:
            self._left_timer = self._loop.call_later(_LEFT_DELAY, self._really_left)

    def _really_left(self) -> None:
        self._left_timer = None
        self._tell_left()

    def _no_left_timer(self) -> bool:
        """Stops it; whether it was running."""
        timer, self._left_timer = self._left_timer, None
        if timer is not None:
            timer.cancel()
        return timer is not None

    def _tell_left(self) -> None:
        if self.connected and not self._told_left:
            self._told_left = True
            self._tell(ConnectionState.AVATAR_LEFT)

    def _tell(self, state: ConnectionState) -> None:
        if self.connected:
            self._inbox.put(ConnectionChange(state))

    def _over(self, reason: str) -> None:
        # Our own leaving is no news.
        if self.on_disconnected is not None and reason != "CLIENT_INITIATED":
            self.on_disconnected(reason)
