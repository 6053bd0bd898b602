"""Notices a peer that has stopped reading: websockets' own keep-alive hangs behind its buffers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from akool_chatroom.connection import Line

__all__ = ["StallWatch"]


class StallWatch:
    """Aborts a line on which a send timed out, when nothing leaves it for `patience` seconds.

    A slow line isn't a stalled one: as long as bytes leave, it is looked at again.
    """

    __slots__ = ("_line", "_patience", "_timer", "_unsent")

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._line: Line | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unsent = 0

    def doubts(self, line: Line) -> bool:
        """Whether this line is being watched."""
        return self._line is line

    def begin(self, line: Line) -> None:
        """A send wasn't taken in time."""
        if self._line is not line:
            self.end()
            self._line = line
            self._look_later(line)

    def end(self) -> None:
        """A send was taken, or the line is gone."""
        self._line = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self, line: Line) -> None:
        self._unsent = line.unsent
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._look, line)

    def _look(self, line: Line) -> None:
        self._timer = None
        if line.unsent == 0:
            self.end()
        elif line.unsent < self._unsent:
            self._look_later(line)
        else:
            self.end()
            line.abort()
