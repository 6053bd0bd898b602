"""The recorder of frames: a bounded queue, and the thread behind it that encodes them."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Final

from akool_async.media.frames import AudioFrame, VideoFrame
from akool_async.media.recording.base import BaseRecorder
from akool_async.media.recording.film import SAMPLE_RATE, FilmWriter, Writer
from akool_async.media.recording.stats import RecordingStats
from akool_async.media.recording.wav import WavWriter

__all__ = ["Recorder"]

#: Bytes of pictures that wait to be encoded; two seconds of 720p at 25 in a second.
WAITING_PICTURES: Final = 70_000_000
#: Seconds of sound that wait to be encoded, of all tracks.
WAITING_SOUND: Final = 60.0


class Recorder(BaseRecorder):
    """Writes frames to a file. See `BaseRecorder` for what else it takes and raises.

    The frames' timestamps are the file's clock; the first one's is its zero. `put_audio` and
    `put_video` may be called from any thread.

    Args:
        tracks: names of the sound tracks (of a WAV file: its channels), one or two.
        size: width and height that the film has at least; by default its first picture's.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        overwrite: bool = False,
        subtitles: bool = False,
        tracks: Sequence[str] = ("avatar",),
        size: tuple[int, int] | None = None,
        on_ready: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            path, overwrite=overwrite, subtitles=subtitles, on_ready=on_ready, on_end=on_end
        )
        self._tracks = tracks
        self._size = size
        #: Made in the thread: PyAV takes its time to be imported.
        self._writer: Writer | None = None
        self._queue: collections.deque[tuple[AudioFrame | VideoFrame, int]] = collections.deque()
        self._waiting_bytes = 0
        self._waiting_seconds = 0.0
        self._pictures = self._pictures_dropped = 0
        self._sound_dropped = 0.0

    @property
    def origin(self) -> float | None:
        """The first frame's timestamp; `None` before it was written."""
        return None if self._writer is None else self._writer.origin

    @property
    def stats(self) -> RecordingStats:
        """The figures so far."""
        writer = self._writer
        return RecordingStats(
            0.0 if writer is None else writer.seconds,
            self._file.size,
            self._pictures,
            self._pictures_dropped,
            0 if writer is None else writer.late,
            self._sound_dropped,
            0.0 if writer is None else writer.silence,
        )

    def put_audio(self, frame: AudioFrame, track: int = 0) -> None:
        """Sound of a track; dropped and counted if too much waits already."""
        with self._changed:
            if self._ending or self.error is not None:
                return
            if self._waiting_seconds > WAITING_SOUND:
                self._count_dropped(frame)
                return
            self._waiting_seconds += frame.duration
            self._queue.append((frame, track))
            self._changed.notify()

    def put_video(self, frame: VideoFrame) -> None:
        """A picture; dropped and counted if too much waits already."""
        with self._changed:
            if self._ending or self.error is not None:
                return
            if self._waiting_bytes > WAITING_PICTURES:
                self._count_dropped(frame)
                return
            self._waiting_bytes += len(frame.data)
            self._queue.append((frame, 0))
            self._changed.notify()

    def _write_all(self) -> None:
        if self.kind.container:
            self._writer = FilmWriter(self._file, self.kind, tracks=self._tracks, size=self._size)
        else:
            self._writer = WavWriter(self._file, rate=SAMPLE_RATE, tracks=len(self._tracks))
        self._on_ready()
        while (item := self._next()) is not None:
            frame, track = item
            if isinstance(frame, VideoFrame):
                self._writer.video(frame)
                self._pictures += 1
            else:
                self._writer.audio(frame, track)

    def _complete(self) -> None:
        with self._changed:
            self._queue.clear()
        if self._writer is not None:
            self._writer.close()

    def _next(self) -> tuple[AudioFrame | VideoFrame, int] | None:
        """The next frame; `None` at the end."""
        with self._changed:
            while not self._queue and not self._ending:
                self._changed.wait()
            if self._ending and time.monotonic() > self._drain_by:
                while self._queue:
                    self._count_dropped(self._queue.popleft()[0])
            if not self._queue:
                return None
            frame, track = self._queue.popleft()
            if isinstance(frame, VideoFrame):
                self._waiting_bytes -= len(frame.data)
            else:
                self._waiting_seconds -= frame.duration
            return frame, track

    def _count_dropped(self, frame: AudioFrame | VideoFrame) -> None:
        if isinstance(frame, VideoFrame):
            self._pictures_dropped += 1
        else:
            self._sound_dropped += frame.duration
