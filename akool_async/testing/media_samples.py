"""Sound to send in tests of media, and sinks that note what they are given."""

from __future__ import annotations

import array
import math

from akool_async.media import Picture

__all__ = ["NotingAudio", "NotingVideo", "rms", "tone"]


def tone(hertz: float, samples: int, sample_rate: int, channels: int) -> bytes:
    """A sine at a third of full scale, as s16le samples; all channels have the same."""
    step = 2 * math.pi * hertz / sample_rate
    wave = (round(math.sin(step * n) * 11_000) for n in range(samples))
    return array.array("h", (value for value in wave for _ in range(channels))).tobytes()


def rms(pcm: bytes) -> float:
    """The loudness of s16le samples, 0 to 1."""
    samples = array.array("h", pcm)
    return math.sqrt(sum(s * s for s in samples) / max(1, len(samples))) / 32_768


class NotingAudio:
    """An `AudioSink` that notes what comes."""

    def __init__(self) -> None:
        self.starts = 0
        self.size = 0
        self.pieces: list[int] = []
        self.loudness = 0.0
        self.error: BaseException | None = None

    def started(self) -> None:
        """See `AudioSink`."""
        self.starts += 1

    def pcm(self, data: bytes) -> None:
        """See `AudioSink`."""
        self.size += len(data)
        self.pieces.append(len(data))
        self.loudness = rms(data)

    def failed(self, error: BaseException) -> None:
        """See `AudioSink`."""
        self.error = error


class NotingVideo:
    """A `VideoSink` that notes what comes."""

    def __init__(self) -> None:
        self.starts = 0
        self.pictures = 0
        self.last: Picture | None = None
        self.sizes: set[tuple[int, int]] = set()
        self.captured: list[float | None] = []
        self.error: BaseException | None = None

    def started(self) -> None:
        """See `VideoSink`."""
        self.starts += 1

    def picture(self, picture: Picture) -> None:
        """See `VideoSink`."""
        self.pictures += 1
        self.last = picture
        self.sizes.add((picture.width, picture.height))
        self.captured.append(picture.captured)

    def failed(self, error: BaseException) -> None:
        """See `VideoSink`."""
        self.error = error

    @property
    def luma(self) -> float:
        """Of the middle of the last picture, in i420."""
        assert self.last is not None
        row = self.last.height // 2 * self.last.width
        line = bytes(memoryview(self.last.data).cast("B")[row : row + self.last.width])
        return sum(line) / len(line)
