"""Speech for the avatar by a published audio track: the way of every room that takes one.

Nothing is reported from the other side: what was written has been played when its time is over
(docs/protocol.md §2 "Your own voice").
"""

from __future__ import annotations

import asyncio
from typing import Final

from akool_async.errors import AkoolError, SendError
from akool_async.media.contract import AudioRequest, AudioWriter, MediaTransport
from akool_async.media.playout import wait_played
from akool_async.media.speech_audio import PlaybackReport, SpeechAudio, SpeechSegment

__all__ = ["MicrophoneSpeech"]

#: Milliseconds that wait to be played: as much is still heard when only the writer is stopped.
_QUEUE_MS: Final = 200


class MicrophoneSpeech(SpeechAudio):
    """The track stays published between segments of the same form."""

    def __init__(self, media: MediaTransport) -> None:
        """Publishes nothing yet."""
        self.media = media
        self._writer: AudioWriter | None = None
        self._form: AudioRequest | None = None

    async def open(self, sample_rate: int, channels: int, *, timeout: float) -> SpeechSegment:
        """See `SpeechAudio`."""
        form = AudioRequest(sample_rate, channels)
        if form != self._form:
            await self.aclose()
        if self._writer is None:
            self._writer = await self.media.speak(form, queue_ms=_QUEUE_MS, timeout=timeout)
            self._form = form
        return _Segment(self, self._writer, 2 * channels * sample_rate, timeout)

    async def aclose(self) -> None:
        """Unpublishes the track."""
        writer, self._writer, self._form = self._writer, None, None
        if writer is not None:
            await writer.close()


class _Segment(SpeechSegment):
    def __init__(
        self, way: MicrophoneSpeech, writer: AudioWriter, bytes_per_second: int, timeout: float
    ) -> None:
        self._way = way
        self._writer = writer
        self._rate = bytes_per_second
        self._timeout = timeout
        self._bytes = 0
        self._cleared: PlaybackReport | None = None

    async def write(self, pcm: bytes) -> None:
        limit = asyncio.timeout(self._timeout)
        self._bytes += len(pcm)  # cancelled, it may have been taken all the same
        try:
            async with limit:
                await self._writer.write(pcm)
        except TimeoutError as error:
            if not limit.expired():
                raise
            text = f"the room took no audio for {self._timeout:g} s"
            raise SendError(text, retryable=False) from error
        except AkoolError:
            # The next segment publishes a track of its own.
            await self._way.aclose()
            raise

    async def end(self) -> None:
        """Nothing marks the end of speech in a track."""

    async def clear(self) -> None:
        seconds = max(0.0, self._bytes / self._rate - self._writer.clear())
        self._cleared = PlaybackReport(seconds, interrupted=True)

    async def finished(self) -> PlaybackReport:
        if self._cleared is None:
            await wait_played(self._writer, lambda: self._bytes)
        return self._cleared or PlaybackReport(self._bytes / self._rate, interrupted=False)

    def forget(self) -> None:
        """Nothing is reported."""
