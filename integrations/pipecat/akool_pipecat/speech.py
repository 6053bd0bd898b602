"""The pipeline's speech, resampled, as the iterable that `play_audio` reads."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator

from pipecat.audio.utils import create_stream_resampler

__all__ = ["Segment"]

#: Milliseconds of silence that push the last samples out of the resampler, which keeps some back.
_FLUSH_MS = 100


class Segment:
    """One piece of speech: written by the pipeline, read by the avatar."""

    def __init__(self, sample_rate: int) -> None:
        """`sample_rate` of what is read, in Hz."""
        self._rate = sample_rate
        self._resampler = create_stream_resampler()
        self._given_rate = 0
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._in = 0.0
        self._out = 0

    async def write(self, pcm: bytes, sample_rate: int, channels: int) -> None:
        """More of it, s16le."""
        if channels == 2:
            pcm = _mono(pcm)
        self._given_rate = sample_rate
        self._in += len(pcm) / 2 / sample_rate
        self._put(await self._resampler.resample(pcm, sample_rate, self._rate))

    async def end(self) -> None:
        """No more comes: what the resampler keeps back is taken out."""
        missing = round(self._in * self._rate) * 2 - self._out
        if missing > 0 and self._given_rate not in (0, self._rate):
            silence = bytes(2 * (self._given_rate * _FLUSH_MS // 1000))
            rest = await self._resampler.resample(silence, self._given_rate, self._rate)
            self._put(rest[:missing])
        self._pieces.put_nowait(None)

    def _put(self, pcm: bytes) -> None:
        if pcm:
            self._out += len(pcm)
            self._pieces.put_nowait(pcm)

    async def read(self) -> AsyncIterator[bytes]:
        """What was written, as it comes."""
        while (piece := await self._pieces.get()) is not None:
            yield piece


def _mono(pcm: bytes) -> bytes:
    samples = memoryview(pcm).cast("h").tolist()
    pairs = zip(samples[::2], samples[1::2], strict=True)
    return array("h", [(left + right) // 2 for left, right in pairs]).tobytes()
