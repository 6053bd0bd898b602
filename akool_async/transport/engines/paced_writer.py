"""A queue of sound that is taken at its pace: the writer's half of an engine's microphone."""

from __future__ import annotations

import asyncio
from typing import Final

from akool_async.errors import DisconnectedError
from akool_async.media import AudioRequest, AudioWriter

__all__ = ["PIECE", "PacedWriter"]

#: Seconds of sound that are taken at a time.
PIECE: Final = 0.02


class PacedWriter(AudioWriter):
    """Whoever sends calls `take` every 20 ms; a subclass closes what sends.

    Args:
        request: the form of what is written.
        queue: seconds that wait at most.
    """

    def __init__(self, request: AudioRequest, queue: float) -> None:
        self.request = request
        self._rate = 2 * request.channels * request.sample_rate
        self._piece = round(PIECE * request.sample_rate) * 2 * request.channels
        self._most = queue
        self._waiting = bytearray()
        self._muted = False
        self._closed = False
        self._changed = asyncio.Event()

    @property
    def queued(self) -> float:
        """See `AudioWriter`."""
        return len(self._waiting) / self._rate

    def take(self) -> bytes:
        """The next 20 ms; less where there is less, silence while it is muted."""
        piece = bytes(self._waiting[: self._piece])
        if piece:
            del self._waiting[: self._piece]
            self._changed.set()
        return bytes(len(piece)) if self._muted else piece

    def end(self) -> None:
        """Nothing can be written any more."""
        self._closed = True
        self._drop()

    async def write(self, pcm: bytes) -> None:
        """See `AudioWriter`."""
        self._check_open()
        self._waiting += pcm
        await self._wait(self._most)
        self._check_open()

    def clear(self) -> float:
        """See `AudioWriter`."""
        return self._drop()

    async def wait_for_playout(self) -> None:
        """See `AudioWriter`."""
        await self._wait(0.0)

    def mute(self, muted: bool) -> None:
        """See `AudioWriter`."""
        self._muted = muted

    def _drop(self) -> float:
        dropped = self.queued
        self._waiting.clear()
        self._changed.set()
        return dropped

    async def _wait(self, queued: float) -> None:
        while self.queued > queued:
            self._changed.clear()
            await self._changed.wait()

    def _check_open(self) -> None:
        if self._closed:
            raise DisconnectedError("the track was closed", reason="closed")
