"""Who is in the room, which of them is the avatar, and what of it the program gets to see."""

from __future__ import annotations

import asyncio

from akool_async.errors import DisconnectedError
from akool_async.transport.contract import ConnectionChange, ConnectionState, TransportStats
from akool_async.transport.inbox import Inbox

__all__ = ["Presence"]


class Presence:
    """Receives an engine's events; what passes goes into `inbox`.

    In a room that the service made nobody but the avatar and we have a token, so whoever else is
    there is the avatar. In a room of the user's own its identity is given, and everybody else is a
    stranger: their packets are dropped and counted, and told of once.

    Args:
        stats: the adapter's.
        own_id: our identity in the room.
        avatar_id: the avatar's; `None`: whoever else is there.
    """

    def __init__(self, stats: TransportStats, *, own_id: str, avatar_id: str | None) -> None:
        self.inbox = Inbox(stats)
        self.ended: DisconnectedError | None = None
        self._stats = stats
        self._own_id = own_id
        self._known_id = avatar_id
        self._avatar_id = avatar_id
        self._seen = False
        self._here = False
        self._changed = asyncio.Event()
        self._reconnecting = False
        self._stranger_told = False

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

    def packet(self, data: bytes, sender: str) -> None:
        """A packet; the avatar's first may come before it is announced."""
        if sender == self._own_id:
            self._stats.dropped["own"] += 1
        elif self._is_avatar(sender):
            self.user_joined(sender)
            self.inbox.put(data)
        else:
            self._stats.dropped["stranger"] += 1
            if not self._stranger_told:
                self._stranger_told = True
                self.inbox.put(ConnectionChange(ConnectionState.STRANGER, f"user {sender}"))

    def user_joined(self, identity: str) -> None:
        """The avatar came, or came back; others are none of our business."""
        if identity == self._own_id or not self._is_avatar(identity) or self._here:
            return
        self._avatar_id = identity
        self._here = True
        if self._seen:
            self.inbox.put(ConnectionChange(ConnectionState.AVATAR_BACK))
        self._seen = True
        self._changed.set()

    def user_left(self, identity: str) -> None:
        """The avatar left."""
        if self._here and identity == self._avatar_id:
            self._here = False
            self._avatar_id = self._known_id
            self.inbox.put(ConnectionChange(ConnectionState.AVATAR_LEFT))

    def broke(self, words: str = "") -> None:
        """The connection broke; told once per break, however often the engine tries."""
        if not self._reconnecting:
            self._reconnecting = True
            self.inbox.put(ConnectionChange(ConnectionState.RECONNECTING, words))

    def mended(self) -> None:
        """It is back; what was on its way meanwhile may be lost."""
        if self._reconnecting:
            self._reconnecting = False
            self.inbox.put(ConnectionChange(ConnectionState.RECONNECTED, lossy=True))

    def _is_avatar(self, identity: str) -> bool:
        return self._avatar_id is None or identity == self._avatar_id
