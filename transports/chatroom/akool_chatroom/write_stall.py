"""Notices a peer that has stopped reading: websockets' own keep-alive hangs behind its buffers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from akool_chatroom.connection import WebSocketConnection

__all__ = ["WriteStallDetector"]


class WriteStallDetector:
    """Aborts a connection on which a send timed out, once nothing leaves it for `give_up_after` s.

    A slow connection isn't a stalled one: it is checked again as long as bytes leave.
    """

    __slots__ = ("_connection", "_give_up_after", "_timer", "_unsent")

    def __init__(self, give_up_after: float) -> None:
        self._give_up_after = give_up_after
        self._connection: WebSocketConnection | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unsent = 0

    def watches(self, connection: WebSocketConnection) -> bool:
        """Whether this connection is being watched."""
        return self._connection is connection

    def begin(self, connection: WebSocketConnection) -> None:
        """A send wasn't taken in time."""
        if self._connection is not connection:
            self.end()
            self._connection = connection
            self._look_later(connection)

    def end(self) -> None:
        """A send was taken, or the connection is gone."""
        self._connection = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self, connection: WebSocketConnection) -> None:
        self._unsent = connection.unsent
        self._timer = asyncio.get_running_loop().call_later(
            self._give_up_after, self._look, connection
        )

    def _look(self, connection: WebSocketConnection) -> None:
        self._timer = None
        if connection.unsent == 0:
            self.end()
        elif connection.unsent < self._unsent:
            self._look_later(connection)
        else:
            self.end()
            connection.abort()
