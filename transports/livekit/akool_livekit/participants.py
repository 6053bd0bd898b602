"""A room's events, turned into packets and changes of the connection.

The client calls its handlers on the event loop, inside the room's own task: an exception there can
silence the room for good, a slow one stalls it (docs/livekit.md rule 8). So they only put facts
into the transport's inbox and set events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from akool_async.transport import ConnectionChange, ConnectionState, Inbox, TransportStats
from akool_livekit.people import People
from akool_livekit.sender_filter import Decision, SenderFilter

if TYPE_CHECKING:
    from livekit import rtc
    from livekit.rtc.room import EventTypes

__all__ = ["ParticipantTracker"]

#: The avatar's leaving is reported this much later, in seconds: a reconnect of ours may follow it.
_LEFT_DELAY: Final = 0.1


class ParticipantTracker:
    """Who is in the room, whether the avatar receives packets, and what came from it.

    Attributes:
        senders: decides whose a packet is.
        people: who is in the room.
        avatar_here: set while the avatar is in the room and receives packets.
        connected: the transport's `connect` has returned; before that no change is reported.
        on_disconnected: called with the vendor's reason when the room is over.
        on_tracks: called when the avatar's tracks may have changed, or what `reconnects` says.
        on_subscribed: called with each track object that the client makes.
    """

    def __init__(self, senders: SenderFilter, inbox: Inbox, stats: TransportStats) -> None:
        self.senders = senders
        self.people = People(lambda: senders.avatar)
        self.avatar_here = asyncio.Event()
        self.connected = False
        self.on_disconnected: Callable[[str], None] | None = None
        self.on_tracks: Callable[[], None] | None = None
        self.on_subscribed: Callable[[rtc.Track], None] | None = None
        self._inbox = inbox
        self._stats = stats
        self._loop = asyncio.get_running_loop()
        self._room: rtc.Room | None = None
        self._reconnecting = False
        self._lossy = False
        self._reported_left = False
        self._reported_publishing = False
        self._hold_timer: asyncio.TimerHandle | None = None
        self._left_timer: asyncio.TimerHandle | None = None

    @property
    def room(self) -> rtc.Room | None:
        """The room whose events are taken."""
        return self._room

    @property
    def reconnects(self) -> bool:
        """Whether the connection is being made again."""
        return self._reconnecting

    @property
    def avatar_publishing(self) -> bool:
        """Whether the avatar publishes a track; it needn't be subscribed to."""
        return self.avatar_here.is_set() and bool(self.avatar_publications)

    @property
    def avatar_publications(self) -> list[rtc.RemoteTrackPublication]:
        """What the avatar publishes now."""
        if self._room is None or not self.senders.present:
            return []
        avatar = self._room.remote_participants.get(self.senders.avatar or "")
        return [] if avatar is None else list(avatar.track_publications.values())

    def listen(self, room: rtc.Room) -> None:
        """Takes the events of this room from now on, and no more those of the one before.

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
        on("track_published", lambda _: self._published())
        on("track_unpublished", lambda _: self._published())
        on("track_muted", lambda _: self._tracks_changed())
        on("track_unmuted", lambda _: self._tracks_changed())
        on("track_subscribed", self._subscribed)
        on("active_speakers_changed", self._speakers)
        on("participant_name_changed", lambda _: self.look_around())
        on("reconnecting", lambda _: self.reconnecting())
        on("reconnected", lambda _: self.reconnected())
        on("disconnected", lambda reason: self._over(rtc.DisconnectReason.Name(reason)))

    def forget_room(self) -> None:
        """The room was left: whoever was in it is announced again in the next one."""
        self._room = None
        self.people.forget_room()
        self.avatar_here.clear()
        if self.senders.avatar is not None:
            self.senders.left(self.senders.avatar)
        self._tracks_changed()

    def stop(self) -> None:
        """Takes no more events."""
        self._room = None
        if self._hold_timer is not None:
            self._hold_timer.cancel()
            self._hold_timer = None
        self._no_left_timer()

    def announced(self, participant: rtc.RemoteParticipant) -> None:
        """A participant came, or was there already when we came (rule 4)."""
        from livekit import rtc

        senders = self.senders
        before = senders.avatar if senders.present else None
        if senders.announced(participant.identity, self._loop.time()) and before not in (
            None,
            participant.identity,
        ):
            # It was the avatar earlier, and another one was taken for it while it was away.
            self.avatar_here.clear()
            self._report_left()
        self._tracks_changed()
        if participant.state == rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE:
            self._active(participant)

    def look_around(self) -> None:
        """Notes who is in the room, and reports that someone else is than before."""
        self.people.subscribe(self._room)
        if not self._reconnecting and self.people.look(self._room):
            self._report(ConnectionState.PARTICIPANTS)

    def _speakers(self, speaking: list[rtc.Participant]) -> None:
        self.people.speakers(speaking)
        self.look_around()

    def reconnecting(self) -> None:
        """The connection broke, or is made again."""
        if not self._reconnecting:
            self._reconnecting, self._lossy = True, self._no_left_timer()
            self._report(ConnectionState.RECONNECTING)
            self._tracks_changed()

    def reconnected(self, *, lossy: bool = False) -> None:
        """It is back; `lossy` if it is another one than before."""
        if not self._reconnecting:
            return
        self._reconnecting = False
        if self.connected:
            self._inbox.put(
                ConnectionChange(ConnectionState.RECONNECTED, lossy=lossy or self._lossy)
            )
        if not self.avatar_here.is_set():
            self._report_left()
        self._check_publishing()
        self._tracks_changed()
        self.look_around()

    def _data(self, packet: rtc.DataPacket) -> None:
        identity = packet.participant.identity if packet.participant is not None else None
        if packet.topic and (identity is None or identity == self.senders.avatar):
            # Not the stream messages' channel: they have no topic (docs/protocol.md §2).
            self._stats.dropped["topic"] += 1
            return
        self._apply(self.senders.packet(packet.data, identity, self._loop.time()))
        self._set_hold_timer()

    def _apply(self, decision: Decision) -> None:
        for data in decision.accepted:
            self._inbox.put(data)
        if decision.dropped:
            self._stats.dropped["stranger"] += decision.dropped
        if decision.overflowed:
            self._stats.dropped["overflow"] += decision.overflowed
        if decision.stranger is not None:
            who = repr(decision.stranger) if decision.stranger else "a participant without a name"
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
        self.look_around()
        if participant.identity != self.senders.avatar or self.avatar_here.is_set():
            return
        self.avatar_here.set()
        if self._no_left_timer():
            self._report_left()
        if self._reported_left:
            self._reported_left = False
            self._report(ConnectionState.AVATAR_BACK)
        self._check_publishing()

    def _left(self, participant: rtc.RemoteParticipant) -> None:
        self.look_around()
        if not self.senders.left(participant.identity):
            return
        self.avatar_here.clear()
        # A full reconnect shows as the avatar leaving and joining: not the end (rule 7). The client
        # may report the leaving first, and the reconnect right after.
        if self._reconnecting:
            self._lossy = True
        elif self._left_timer is None:
            self._left_timer = self._loop.call_later(_LEFT_DELAY, self._really_left)
        self._find_successor()
        self._tracks_changed()

    def _find_successor(self) -> None:
        """In the service's room a new avatar may have come before the old one was given up. It
        publishes, as no other participant there does.
        """
        room = self._room
        if room is None or self._reconnecting or not self.senders.learns:
            return
        for other in list(room.remote_participants.values()):
            if other.track_publications and not self.senders.present:
                self.announced(other)

    def _published(self) -> None:
        self.people.subscribe(self._room)
        if self.senders.avatar is not None and not self.senders.present:
            self._find_successor()
        self._tracks_changed()
        self._check_publishing()

    def _tracks_changed(self) -> None:
        if self.on_tracks is not None:
            self.on_tracks()

    def _subscribed(self, track: rtc.Track) -> None:
        if self.on_subscribed is not None:
            self.on_subscribed(track)

    def _check_publishing(self) -> None:
        """Reports it once when the avatar begins to publish."""
        publishing = self.avatar_publishing
        if self._reconnecting or self._left_timer is not None:
            return  # it may be the same as before when that is over
        if publishing and not self._reported_publishing:
            self._report(ConnectionState.AVATAR_PUBLISHED)
        self._reported_publishing = publishing

    def _really_left(self) -> None:
        self._left_timer = None
        self._report_left()
        self._check_publishing()

    def _no_left_timer(self) -> bool:
        """Stops it; whether it was running."""
        timer, self._left_timer = self._left_timer, None
        if timer is not None:
            timer.cancel()
        return timer is not None

    def _report_left(self) -> None:
        if self.connected and not self._reported_left:
            self._reported_left = True
            self._report(ConnectionState.AVATAR_LEFT)

    def _report(self, state: ConnectionState) -> None:
        if self.connected:
            self._inbox.put(ConnectionChange(state))

    def _over(self, reason: str) -> None:
        # Our own leaving is no news.
        if self.on_disconnected is not None and reason != "CLIENT_INITIATED":
            self.on_disconnected(reason)
