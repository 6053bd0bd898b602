"""The recorder: a thread that writes one file, a bounded queue before it, and its figures."""

from __future__ import annotations

import collections
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Final

from akool_async.errors import RecordingError
from akool_async.media.frames import AudioFrame, VideoFrame
from akool_async.media.recording.film import SAMPLE_RATE, FilmWriter, Writer
from akool_async.media.recording.formats import check_free, check_target, require_av
from akool_async.media.recording.output_file import OutputFile
from akool_async.media.recording.subtitle_track import add_subtitles
from akool_async.media.recording.subtitles import Cue, webvtt
from akool_async.media.recording.wav import WavWriter

__all__ = ["Recorder", "RecordingStats"]

logger = logging.getLogger(__name__)

#: Bytes of pictures that wait to be encoded; two seconds of 720p at 25 in a second.
WAITING_PICTURES: Final = 70_000_000
#: Seconds of sound that wait to be encoded, of all tracks.
WAITING_SOUND: Final = 60.0


@dataclass(frozen=True, slots=True)
class RecordingStats:
    """A recording's figures so far.

    Attributes:
        seconds: how long the file is.
        size: its bytes.
        pictures: written to it; a picture that is shown longer may be written again.
        pictures_dropped: not written because the machine was too slow; the ones before them are
            shown longer, so that picture and sound stay together.
        pictures_late: not written because they came for a time that was written already.
        sound_dropped: seconds of sound not written because the machine was too slow.
        silence: seconds of silence put in where no sound came, of all tracks.
    """

    seconds: float = 0.0
    size: int = 0
    pictures: int = 0
    pictures_dropped: int = 0
    pictures_late: int = 0
    sound_dropped: float = 0.0
    silence: float = 0.0


class Recorder:
    """Writes frames to a file, in a thread of its own: no call of it waits for the disk.

    The frames' timestamps are the file's clock; the first one's is its zero. `put_audio` and
    `put_video` may be called from any thread. A failure, a full disk for example, ends the file
    and is kept in `error`; frames that come later are ignored.

    Args:
        path: of the file; its suffix says its kind: .webm, .mkv, .mp4 or .wav.
        overwrite: whether it may take the place of a file that is there.
        subtitles: whether `end` may be given some: they are written beside it, with the suffix
            .vtt, and into the file if it is a film.
        tracks: names of the sound tracks (of a WAV file: its channels), one or two.
        size: width and height that the film has at least; by default its first picture's.
        on_end: called in the thread when it is over.

    Raises:
        InvalidParameterError: the path can't be written, see `check_target`.
        MissingDependencyError: what writes such files isn't installed.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        overwrite: bool = False,
        subtitles: bool = False,
        tracks: Sequence[str] = ("avatar",),
        size: tuple[int, int] | None = None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self.path, self._kind = check_target(path, overwrite=overwrite)
        self._overwrite = overwrite
        self._vtt = self.path.with_suffix(".vtt")
        if subtitles:
            check_free(self._vtt, overwrite=overwrite)
        require_av(self._kind)
        self.error: BaseException | None = None
        self._on_end = on_end
        self._file = OutputFile(self.path, overwrite=overwrite)
        self._writer: Writer = self._new_writer(tracks, size)
        self._changed = threading.Condition()
        self._queue: collections.deque[tuple[AudioFrame | VideoFrame, int]] = collections.deque()
        self._waiting_bytes = 0
        self._waiting_seconds = 0.0
        self._cues: Sequence[Cue] = ()
        self._ending = False
        self._drain_by = self._end_by = float("inf")
        self._pictures = self._pictures_dropped = 0
        self._sound_dropped = 0.0
        self._thread = threading.Thread(target=self._run, name="akool-recorder", daemon=True)

    def _new_writer(self, tracks: Sequence[str], size: tuple[int, int] | None) -> Writer:
        try:
            if self._kind.container:
                return FilmWriter(self._file, self._kind, tracks=tracks, size=size)
            return WavWriter(self._file, rate=SAMPLE_RATE, tracks=len(tracks))
        except BaseException:
            self._file.close()
            raise

    @property
    def has_video(self) -> bool:
        """Whether the file has pictures."""
        return bool(self._kind.video)

    @property
    def origin(self) -> float | None:
        """The timestamp that is the file's zero; `None` before the first frame was written."""
        return self._writer.origin

    @property
    def over(self) -> bool:
        """Whether the file is closed."""
        return self._thread.ident is not None and not self._thread.is_alive()

    @property
    def stats(self) -> RecordingStats:
        """The figures so far."""
        return RecordingStats(
            self._writer.seconds,
            self._file.size,
            self._pictures,
            self._pictures_dropped,
            self._writer.late,
            self._sound_dropped,
            self._writer.silence,
        )

    def start(self) -> None:
        """Starts the thread; once."""
        self._thread.start()

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

    def end(self, cues: Sequence[Cue] = (), *, timeout: float) -> None:
        """No more frames: what waits is written, then `cues`, and the file is closed.

        Returns at once; `join` waits. After half of `timeout` seconds what still waits is dropped
        and counted; the subtitle track is left out where the rest doesn't suffice for it.
        """
        with self._changed:
            if not self._ending:
                self._ending = True
                self._cues = cues
                self._drain_by = time.monotonic() + timeout / 2
                self._end_by = time.monotonic() + timeout
                self._changed.notify()

    def join(self, timeout: float | None = None) -> bool:
        """Waits for the file to be closed; whether it is."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def abandon(self) -> None:
        """Closes the file of a recorder that wasn't started."""
        self._writer.close()

    def _run(self) -> None:
        try:
            self._write_all()
        except BaseException as error:  # noqa: BLE001 - kept for whoever owns the recording
            self._fail(error)
        try:
            self._writer.close()
        except BaseException as error:  # noqa: BLE001 - the same
            self._fail(error)
        if self.error is None:
            self._write_subtitles()
        self._on_end()

    def _fail(self, error: BaseException) -> None:
        if self.error is None:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            self.error = RecordingError(
                f"recording to {str(self.path)!r} ended after {self._writer.seconds:.1f} s: "
                f"{reason}. The file holds what came before"
            )
            self.error.__cause__ = error
            logger.error("%s", self.error)

    def _write_all(self) -> None:
        while (item := self._next()) is not None:
            frame, track = item
            if isinstance(frame, VideoFrame):
                self._writer.video(frame)
                self._pictures += 1
            else:
                self._writer.audio(frame, track)

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

    def _write_subtitles(self) -> None:
        """The film is whole already: a failure here is no failure of the recording."""
        if not self._cues:
            return
        try:
            with OutputFile(self._vtt, overwrite=self._overwrite) as file:
                file.write(webvtt(self._cues).encode())
            if self._kind.subtitles and not add_subtitles(
                self.path, self._kind, self._cues, end_by=self._end_by
            ):
                logger.warning(
                    "%r has no subtitle track: too little time was left; %r has the subtitles",
                    str(self.path),
                    str(self._vtt),
                )
        except Exception as error:  # noqa: BLE001 - PyAV's errors have no common class of their own
            logger.warning("writing the subtitles of %r failed: %s", str(self.path), error)
