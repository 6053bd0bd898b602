"""Sound alone: a WAV file, without a package. A `Writer` as `film` describes it."""

from __future__ import annotations

import array
import errno
import struct
from typing import Final

from akool_async.errors import InvalidParameterError
from akool_async.media.frames import AudioFrame, VideoFrame
from akool_async.media.recording.output_file import OutputFile
from akool_async.media.recording.timeline import AudioTimeline

__all__ = ["WavWriter"]

#: Seconds by which one channel may be behind the other; then silence is put in.
LAG: Final = 1.0
_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM: Final = 1
#: Bytes that a WAV file's header can count.
LARGEST: Final = 2**32 - 2**16


class WavWriter:
    """A WAV file with a channel for each track. Its header is right after every write.

    Args:
        file: where it goes; closed with the writer.
        rate: samples a second of every frame.
        tracks: 1 or 2 channels.
    """

    def __init__(self, file: OutputFile, *, rate: int, tracks: int) -> None:
        self.origin: float | None = None
        self._file = file
        self._rate = rate
        self._timelines = [AudioTimeline(rate) for _ in range(tracks)]
        self._pending = [bytearray() for _ in range(tracks)]
        self._written = 0

    @property
    def seconds(self) -> float:
        """How long the file is so far."""
        return max(timeline.seconds for timeline in self._timelines)

    @property
    def late(self) -> int:
        """A WAV file has no pictures."""
        return 0

    @property
    def silence(self) -> float:
        """Seconds of silence put in where no sound came, of all tracks."""
        return sum(timeline.inserted for timeline in self._timelines) / self._rate

    def audio(self, frame: AudioFrame, track: int = 0) -> None:
        """Sound of a track.

        Raises:
            InvalidParameterError: of another rate, or of several channels.
            OSError: the disk is full, or the file as large as a WAV file can be.
        """
        if frame.sample_rate != self._rate or frame.channels != 1:
            raise InvalidParameterError(
                "frame",
                f"has {frame.sample_rate} Hz and {frame.channels} channels, "
                f"this file has {self._rate} Hz and one channel for each track",
            )
        if self.origin is None:
            self.origin = frame.timestamp
        place = self._timelines[track].place(
            frame.timestamp - self.origin, frame.samples_per_channel
        )
        self._silence(track, place.silence)
        self._pending[track] += frame.pcm[2 * place.skip :]
        now = self.seconds
        for other, timeline in enumerate(self._timelines):
            if timeline.seconds < now - LAG:
                self._silence(other, timeline.fill(now - LAG / 2))
        self._write()

    def video(self, frame: VideoFrame) -> None:
        """Pictures have no place in it."""

    def close(self) -> None:
        """Completes the file and closes it, also where that fails."""
        try:
            now = self.seconds
            for track, timeline in enumerate(self._timelines):
                self._silence(track, timeline.fill(now))
            self._write()
            if not self._written:
                self._write_header()
        finally:
            self._file.close()

    def _silence(self, track: int, samples: int) -> None:
        self._pending[track] += bytes(2 * samples)

    def _write(self) -> None:
        size = min(map(len, self._pending))
        if not size:
            return
        if _HEADER.size + self._written + size * len(self._pending) > LARGEST:
            raise OSError(errno.EFBIG, "a WAV file can't be larger than 4 GB")
        if not self._written:
            self._write_header()
        self._file.write(_interleaved([bytes(one[:size]) for one in self._pending]))
        for one in self._pending:
            del one[:size]
        self._written += size * len(self._pending)
        self._write_header()

    def _write_header(self) -> None:
        channels, rate, size = len(self._pending), self._rate, self._written
        self._file.seek(0)
        self._file.write(
            _HEADER.pack(
                b"RIFF",
                _HEADER.size - 8 + size,
                b"WAVE",
                *(b"fmt ", 16, _PCM, channels, rate, 2 * channels * rate, 2 * channels, 16),
                *(b"data", size),
            )
        )
        self._file.seek(_HEADER.size + size)


def _interleaved(channels: list[bytes]) -> bytes:
    if len(channels) == 1:
        return channels[0]
    both = array.array("h", bytes(2 * len(channels[0])))
    for at, channel in enumerate(channels):
        both[at :: len(channels)] = array.array("h", channel)
    return both.tobytes()
