"""Who is in the room, which of them is the avatar, and what of it the program gets to see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from akool_agora.errors import REASONS, disconnected_error
from akool_async.errors import DisconnectedError
from akool_async.transport import ConnectionChange, ConnectionState, Inbox, TransportStats

__all__ = ["Presence"]


class Presence:
    """Receives an engine's events; what passes goes into `inbox`.

    In a room that the service made nobody but the avatar and we have a token, so whoever else is
    there is the avatar. In a room of the user's own its uid is given, and everybody else is a
    stranger: their packets are dropped and counted, and told of once.

    Args:
        stats: the adapter's.
        own_uid: ours.
        avatar_uid: the avatar's; `None`: whoever else is there.
        token_will_expire: is told how many seconds are left, `None` where that isn't known.
    """

    def __init__(
        self,
        stats: TransportStats,
        *,
        own_uid: str,
        avatar_uid: str | None,
        token_will_expire: Callable[[float | None], None],
    ) -> None:
        self.inbox = Inbox(stats)
        self.ended: DisconnectedError | None = None
        self._stats = stats
        self._own_uid = own_uid
        self._known_uid = avatar_uid
        self._avatar_uid = avatar_uid
        self._seen = False
        self._here = False
        self._changed = asyncio.Event()
        self._reconnecting = False
        self._stranger_told = False
        self._token_will_expire = token_will_expire

    async def avatar_here(self) -> None:
        """Returns when the avatar is in the room.

        Raises:
            DisconnectedError: the room ended first.
        """
        while not self._here:
            if self.ended is not None:
                raise self.ended
            self._changed.clear()
            await self._changed.wait()

    def finish(self, error: DisconnectedError) -> None:
        """Nothing more will come; the first call's error is kept."""
        if self.ended is None:
            self.ended = error
            self.inbox.finish(error)
            self._changed.set()

    # The engine's events.

    def packet(self, data: bytes, sender: str) -> None:
        """A packet; the avatar's first may come before it is announced."""
        if sender == self._own_uid:
            self._stats.dropped["own"] += 1
        elif self._is_avatar(sender):
            self.user_joined(sender)
            self.inbox.put(data)
        else:
            self._stats.dropped["stranger"] += 1
            if not self._stranger_told:
                self._stranger_told = True
                self.inbox.put(ConnectionChange(ConnectionState.STRANGER, f"uid {sender}"))

    def user_joined(self, uid: str) -> None:
        """The avatar came, or came back; others are none of our business."""
        if uid == self._own_uid or not self._is_avatar(uid) or self._here:
            return
        self._avatar_uid = uid
        self._here = True
        if self._seen:
            self.inbox.put(ConnectionChange(ConnectionState.AVATAR_BACK))
        self._seen = True
        self._changed.set()

    def user_left(self, uid: str) -> None:
        """The avatar left."""
        if self._here and uid == self._avatar_uid:
            self._here = False
            self._avatar_uid = self._known_uid
            self.inbox.put(ConnectionChange(ConnectionState.AVATAR_LEFT))

    def reconnecting(self, reason: int) -> None:
        """Told once per break, however often the engine tries."""
        if not self._reconnecting:
            self._reconnecting = True
            words = REASONS[reason][1] if reason in REASONS else f"Agora's reason {reason}"
            self.inbox.put(ConnectionChange(ConnectionState.RECONNECTING, words))

    def reconnected(self, reason: int) -> None:
        """The stream is unreliable, so what was on its way is lost."""
        del reason
        if self._reconnecting:
            self._reconnecting = False
            self.inbox.put(ConnectionChange(ConnectionState.RECONNECTED, lossy=True))

    def disconnected(self, reason: int) -> None:
        """The end."""
        self.finish(disconnected_error(reason))

    def token_will_expire(self, seconds_left: float | None) -> None:
        """An event, whether or not the token gets renewed."""
        self.inbox.put(ConnectionChange(ConnectionState.TOKEN_EXPIRING, seconds_left=seconds_left))
        self._token_will_expire(seconds_left)

    def _is_avatar(self, uid: str) -> bool:
        return self._avatar_uid is None or uid == self._avatar_uid
