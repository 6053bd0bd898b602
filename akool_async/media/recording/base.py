"""What every recorder is: a thread that writes one file, and the subtitles beside it."""

from __future__ import annotations

import abc
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from os import PathLike
from typing import Final

from akool_async.errors import RecordingError
from akool_async.media.recording.formats import check_free, check_target, require_av
from akool_async.media.recording.output_file import OutputFile
from akool_async.media.recording.stats import RecordingStats
from akool_async.media.recording.subtitle_track import add_subtitles
from akool_async.media.recording.subtitles import Speech, cues, webvtt

__all__ = ["BaseRecorder"]

logger = logging.getLogger("akool_async.media.recording")


#: Seconds for writing what waits when nothing more can come.
FAIL_TIMEOUT: Final = 10.0


class BaseRecorder(abc.ABC):
    """Writes a file in a thread of its own: no call of it waits for the disk.

    A failure, a full disk for example, ends the file and is kept in `error`; what comes later is
    ignored. The file is there from the beginning.

    Args:
        path: of the file; its suffix says its kind: .webm, .mkv, .mp4 or .wav.
        overwrite: whether it may take the place of a file that is there.
        subtitles: whether `end` may be given some: they are written beside it, with the suffix
            .vtt, and into the file if it is a film.
        on_ready: called in the thread when it takes what comes without delay.
        on_end: called in the thread when the file is closed.

    Attributes:
        path: of the file.
        kind: of the file.
        error: what ended it early.

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
        on_ready: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self.path, self.kind = check_target(path, overwrite=overwrite)
        self.error: RecordingError | None = None
        self._overwrite = overwrite
        self._vtt = self.path.with_suffix(".vtt")
        if subtitles:
            check_free(self._vtt, overwrite=overwrite)
        require_av(self.kind)
        self._on_ready = on_ready
        self._on_end = on_end
        self._file = OutputFile(self.path, overwrite=overwrite)
        self._changed = threading.Condition()
        self._said: Sequence[Speech] = ()
        self._ending = False
        self._drain_by = self._end_by = float("inf")
        self._thread = threading.Thread(target=self._run, name="akool-recorder", daemon=True)

    @property
    @abc.abstractmethod
    def origin(self) -> float | None:
        """The time on the session's clock that is the file's zero; `None` before it is known."""

    @property
    @abc.abstractmethod
    def stats(self) -> RecordingStats:
        """The figures so far."""

    @abc.abstractmethod
    def _write_all(self) -> None:
        """Writes until the end, in the thread."""

    @abc.abstractmethod
    def _complete(self) -> None:
        """Completes the file, and closes what writes it; in the thread, once."""

    @property
    def over(self) -> bool:
        """Whether the file is closed."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def start(self) -> None:
        """Starts the thread; once."""
        self._thread.start()

    def abandon(self) -> None:
        """In place of `start`: closes the empty file and removes it."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def end(self, said: Sequence[Speech] = (), *, timeout: float) -> None:
        """No more comes: what waits is written, and the file is closed and given its subtitles.

        `said` has its times on the session's clock. Returns at once; `join` waits. After half of
        `timeout` seconds what still waits is dropped and counted; the subtitle track is left out
        where the rest doesn't suffice for it.
        """
        with self._changed:
            if not self._ending:
                self._ending = True
                self._said = said
                self._drain_by = time.monotonic() + timeout / 2
                self._end_by = time.monotonic() + timeout
                self._changed.notify()

    def join(self, timeout: float | None = None) -> bool:
        """Waits for the file to be closed; whether it is."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        for step in (self._write_all, self._complete, self._file.close):
            try:
                step()
            except BaseException as error:  # noqa: BLE001 - kept for whoever owns the recording
                self._fail(error)
        if self.error is None:
            self._write_subtitles()
        self._on_end()

    def fail(self, error: BaseException) -> None:
        """What should be written can't be had: the file ends, and `error` says why."""
        self._fail(error)
        self.end(timeout=FAIL_TIMEOUT)

    def _fail(self, error: BaseException) -> None:
        if self.error is None:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            self.error = RecordingError(
                f"recording to {str(self.path)!r} ended after {self.stats.seconds:.1f} s: "
                f"{reason}. The file holds what came before"
            )
            self.error.__cause__ = error
            logger.error("%s", self.error)

    def _write_subtitles(self) -> None:
        """The film is whole already: a failure here is no failure of the recording."""
        start = self.origin or 0.0
        made = cues(
            [replace(one, start=one.start - start, end=one.end - start) for one in self._said],
            length=self.stats.seconds,
        )
        if not made:
            return
        try:
            with OutputFile(self._vtt, overwrite=self._overwrite) as file:
                file.write(webvtt(made).encode())
            if not (self.kind.subtitles and self._file.size):
                return
            if not add_subtitles(self.path, self.kind, made, end_by=self._end_by):
                logger.warning(
                    "%r has no subtitle track: too little time was left; %r has the subtitles",
                    str(self.path),
                    str(self._vtt),
                )
        except Exception as error:  # noqa: BLE001 - PyAV's errors have no base of their own
            logger.warning("writing the subtitles of %r failed: %s", str(self.path), error)
