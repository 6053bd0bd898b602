"""Who is in the room, which of them is the avatar, and which packets the program receives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from akool_async.errors import DisconnectedError
from akool_async.transport.contract import ConnectionChange, ConnectionState, TransportStats
from akool_async.transport.engines.presence import Presence
from akool_async.transport.inbox import Inbox
from akool_async.transport.people import Participant

__all__ = ["ParticipantTracker"]

#: Participants who sent packets without being the avatar: remembered so that none of them is taken
#: for the avatar later, and reported once each. More than this many are neither.
_MAX_STRANGERS: Final = 100
#: Identities of the avatar that are remembered.
_MAX_LEARNED: Final = 20


class ParticipantTracker:
    """Receives an engine's events; packets and changes for the program go into `inbox`.

    If the avatar's identity is given, every other one is a stranger: their packets are dropped and
    counted, and reported once as `STRANGER`. If it isn't given, the room was made by the service,
    which gives only the avatar and this program a token, so the identity is learned:

    - The first other participant is the avatar. Its first packet may come before it is announced.
    - While the avatar is away, a *packet* never counts as its return: it may have been sent before
      the avatar left, and any participant may have sent it. A learned avatar's late packet is still
      delivered; a packet from another one is a stranger's.
    - A participant that *joins* while the avatar is away is taken for the avatar under a new
      identity, unless it was seen as a stranger before. If an identity that was the avatar before
      it returns, that one is the avatar again and the other one becomes a stranger.

    Args:
        stats: the adapter's.
        own_id: our identity in the room.
        avatar_id: the avatar's; `None`: learned.

    Attributes:
        inbox: what the program receives.
        reports_tracks: whether the engine reports everybody who publishes audio or video.
        connected: `connect` has returned; before that neither `AVATAR_PUBLISHED` nor `PARTICIPANTS`
            is reported.
        on_change: called when the avatar may have come, gone, or have another identity.
    """

    def __init__(
        self,
        stats: TransportStats,
        *,
        own_id: str,
        avatar_id: str | None,
    ) -> None:
        self.inbox = Inbox(stats)
        self.reports_tracks = False
        self.connected = False
        self.on_change: Callable[[], None] | None = None
        self._stats = stats
        self._own_id = own_id
        self._avatar_id = avatar_id
        self._is_given = avatar_id is not None
        #: Identities that were the avatar before the present one.
        self._learned: list[str] = []
        self._presence = Presence()
        self._strangers: set[str] = set()
        #: Who publishes, in the order of beginning. (A dict is an ordered set.)
        self._publishing: dict[str, None] = {}
        self._present = False
        self._seen = False
        #: What the program knows: `None` before the avatar was seen for the first time.
        self._reported_present: bool | None = None
        self._reported_publishing = False
        #: While the room is rejoined, the avatar's absence isn't a change yet.
        self._rejoining = False
        self._changed = asyncio.Event()
        self._reconnecting = False
        self._stranger_reported = False

    @property
    def avatar(self) -> str | None:
        """The avatar's identity while it is in the room."""
        return self._avatar_id if self._present else None

    @property
    def avatar_present(self) -> bool:
        """Whether the avatar is in the room."""
        return self._present

    @property
    def avatar_publishing(self) -> bool | None:
        """Whether the avatar publishes audio or video; `None`: this engine can't say."""
        if self._present and self._avatar_id in self._publishing:
            return True
        return False if self.reports_tracks else None

    @property
    def here(self) -> tuple[Participant, ...]:
        """Everyone in the room but us, as far as the engine announces them."""
        return self._presence.participants(self._avatar_id)

    async def wait_for_avatar(self) -> None:
        """Returns when the avatar is in the room.

        Raises:
            DisconnectedError: the room ended first.
        """
        while not self._present:
            self.inbox.check()
            self._changed.clear()
            await self._changed.wait()

    def finish(self, error: DisconnectedError) -> None:
        """Nothing more will come; the first call's error is kept."""
        self.inbox.finish(error)
        self._changed.set()

    def packet(self, data: bytes, sender: str) -> None:
        """A packet of `sender`."""
        if sender == self._own_id:
            self._stats.dropped["own"] += 1
            return
        if not self._seen and (self._avatar_id is None or sender == self._avatar_id):
            # The avatar's first packet may come before the avatar is announced.
            self.user_joined(sender)
        if sender == self._avatar_id or (not self._present and sender in self._learned):
            self.inbox.put(data)
        else:
            self._drop(sender)

    def user_joined(self, identity: str) -> None:
        """`identity` is in the room: it came now, or was there when we came."""
        if identity == self._own_id:
            return
        came = self._presence.came(identity)
        if self._may_be_avatar(identity):
            self._avatar_joined(identity)
        if came:
            self._report_people()

    def _avatar_joined(self, identity: str) -> None:
        if identity != self._avatar_id:
            self._take_for_avatar(identity)
        self._present = self._seen = True
        self._changed.set()
        self._report_changes()
        self._notify()

    def user_left(self, identity: str) -> None:
        """`identity` isn't in the room any more."""
        self._publishing.pop(identity, None)
        if self._presence.left(identity):
            self._report_people()
        if not self._present or identity != self._avatar_id:
            return
        self._present = False
        self._report_changes()
        self._notify()
        # A new avatar may have come before the old one was given up.
        if not self._is_given and (others := [*self._publishing.keys() - self._strangers]):
            self.user_joined(max(others, key=list(self._publishing).index))

    def user_published(self, identity: str) -> None:
        """`identity` publishes audio or video; so it is in the room."""
        if identity != self._own_id:
            self._publishing[identity] = None
            self.user_joined(identity)

    def user_unpublished(self, identity: str) -> None:
        """`identity` publishes neither audio nor video any more."""
        self._publishing.pop(identity, None)
        self._report_changes()

    def report_reconnecting(self, reason: str = "") -> None:
        """The connection broke; reported once per break, however often the engine tries."""
        if not self._reconnecting:
            self._reconnecting = True
            self.inbox.put(ConnectionChange(ConnectionState.RECONNECTING, reason))

    def report_reconnected(self) -> None:
        """The connection is back; what was sent or received meanwhile may be lost."""
        if self._reconnecting:
            self._reconnecting = False
            self.inbox.put(ConnectionChange(ConnectionState.RECONNECTED, lossy=True))

    def begin_rejoin(self) -> None:
        """We leave the room to join it again: whoever is in it will be announced again."""
        self._rejoining = True
        self._presence.begin_rejoin()
        self._present = False
        self._publishing.clear()
        self._notify()

    def end_rejoin(self) -> None:
        """We are in the room again. If the avatar isn't, that is reported now."""
        self._rejoining = False
        changed = self._presence.end_rejoin()
        self._report_changes()
        if changed:
            self._report_people()

    def _notify(self) -> None:
        if self.on_change is not None:
            self.on_change()

    def _may_be_avatar(self, identity: str) -> bool:
        if identity == self._avatar_id or self._avatar_id is None or identity in self._learned:
            return True
        return not (self._is_given or self._present or identity in self._strangers)

    def _take_for_avatar(self, identity: str) -> None:
        """`identity` is the avatar from now on, another one was until now, if any."""
        before, self._avatar_id = self._avatar_id, identity
        if self._present:
            # One that was the avatar earlier returns: the present one wasn't the avatar.
            self._note_stranger(before)
            self._present = False
            self._report_changes()
        elif before is not None:
            self._learned = [*self._learned[-_MAX_LEARNED + 1 :], before]
        if identity in self._learned:
            self._learned.remove(identity)

    def _report_changes(self) -> None:
        """Reports what the program doesn't know yet about the avatar."""
        if not self._seen or self._rejoining:
            return
        known, self._reported_present = self._reported_present, self._present
        if known is not None and known is not self._present:
            state = ConnectionState.AVATAR_BACK if self._present else ConnectionState.AVATAR_LEFT
            self.inbox.put(ConnectionChange(state))
        published, self._reported_publishing = (
            self._reported_publishing,
            self.avatar_publishing is True,
        )
        if self._reported_publishing and not published and self.connected:
            self.inbox.put(ConnectionChange(ConnectionState.AVATAR_PUBLISHED))

    def _report_people(self) -> None:
        if self.connected and not self._rejoining:
            self.inbox.put(ConnectionChange(ConnectionState.PARTICIPANTS))

    def _note_stranger(self, identity: str | None) -> None:
        if identity is not None and len(self._strangers) < _MAX_STRANGERS:
            self._strangers.add(identity)

    def _drop(self, sender: str) -> None:
        self._stats.dropped["stranger"] += 1
        self._note_stranger(sender)
        if not self._stranger_reported:
            self._stranger_reported = True
            self.inbox.put(ConnectionChange(ConnectionState.STRANGER, f"user {sender}"))
