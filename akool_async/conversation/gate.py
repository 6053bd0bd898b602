"""Holds new questions and texts back while another session takes over."""

from __future__ import annotations

import asyncio

__all__ = ["Gate"]


class Gate:
    """Open, unless a session is about to be replaced: what the avatar has is finished then, and
    what is new waits for the next avatar. Commands pass: an interrupt is for what is being said.
    """

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    def close(self) -> None:
        """New questions and texts wait."""
        self._open.clear()

    def open(self) -> None:
        """They may go on."""
        self._open.set()

    @property
    def is_open(self) -> bool:
        """Whether new questions and texts may go on."""
        return self._open.is_set()

    async def passed(self) -> None:
        """Returns when it is open."""
        await self._open.wait()
