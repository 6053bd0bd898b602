"""A recording without decoding: the packets of an encoded stream go into the file as they are."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from os import PathLike
from typing import Any, Final

from akool_async.media.byte_pipe import BytePipe
from akool_async.media.recording.base import BaseRecorder
from akool_async.media.recording.stats import RecordingStats
from akool_async.media.recording.subtitles import Speech

__all__ = ["CopyingRecorder"]

#: What a stream's time base is in the file, before the container changes it.
_MILLISECONDS: Final = Fraction(1, 1000)
#: Microseconds of a stream that are looked at to learn what is in it.
_PROBE: Final = {"analyzeduration": "500000"}


class CopyingRecorder(BaseRecorder):
    """Writes an encoded stream to a .mkv or .mp4 file: an `EncodedSink`, in a thread.

    The file begins with the first key frame. A stream that begins again, after a reconnect, goes on
    after the time that was between. See `BaseRecorder` for what else it takes and raises.

    Args:
        now: the session's clock; called in the thread.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        now: Callable[[], float],
        overwrite: bool = False,
        subtitles: bool = False,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(path, overwrite=overwrite, subtitles=subtitles, on_end=on_end)
        self._now = now
        self._origin: float | None = None
        self._segments: collections.deque[tuple[str, BytePipe]] = collections.deque()
        self._current: BytePipe | None = None
        self._output: Any = None
        self._streams: dict[str, Any] = {}
        #: The last timestamp of each kind of stream, in seconds.
        self._last: dict[str, float] = {}
        self._pictures = self._late = 0

    @property
    def origin(self) -> float | None:
        """When the first packet was written; `None` before."""
        return self._origin

    @property
    def stats(self) -> RecordingStats:
        """The figures so far."""
        return RecordingStats(
            max(tuple(self._last.values()), default=0.0),
            self._file.size,
            self._pictures,
            pictures_late=self._late,
        )

    # The sink, on the event loop.

    def started(self, container: str) -> None:
        """See `EncodedSink`."""
        if self._current is not None:
            self._current.end()
        self._current = BytePipe()
        with self._changed:
            self._segments.append((container, self._current))
            self._changed.notify()

    async def data(self, data: bytes) -> None:
        """See `EncodedSink`."""
        if self._current is not None and not self.over:
            await self._current.put(data)

    def failed(self, error: BaseException) -> None:
        """See `EncodedSink`; the file ends, and says why."""
        self.fail(error)

    def end(self, said: Sequence[Speech] = (), *, timeout: float) -> None:
        """See `BaseRecorder.end`."""
        super().end(said, timeout=timeout)
        if self._current is not None:
            self._current.end()

    # In the thread.

    def _write_all(self) -> None:
        try:
            while (segment := self._next()) is not None:
                self._copy(*segment)
        finally:
            with self._changed:
                left, self._segments = [pipe for _, pipe in self._segments], collections.deque()
            for pipe in left:
                pipe.drain()

    def _next(self) -> tuple[str, BytePipe] | None:
        with self._changed:
            while not self._segments and not self._ending:
                self._changed.wait()
            return self._segments.popleft() if self._segments else None

    def _copy(self, container: str, pipe: BytePipe) -> None:
        import av
        from av.error import EOFError as StreamEndError
        from av.error import InvalidDataError

        try:
            with av.open(pipe, "r", format=container, container_options=dict(_PROBE)) as stream:
                if self._output is None:
                    self._begin(stream)
                self._mux(stream)
        except (StreamEndError, InvalidDataError):
            pass  # it was cut, before or after its header: what came before is in the file
        finally:
            pipe.drain()

    def _begin(self, stream: Any) -> None:
        import av

        found = {one.type: one for one in stream.streams if one.type in ("audio", "video")}
        for one in found.values():
            name = one.codec_context.name
            if name not in self.kind.copies:
                raise ValueError(
                    f"the stream's {name} can't be put into a {self.path.suffix} file as it is"
                )
        self._output = av.open(
            self._file,
            "w",
            format=self.kind.container,
            container_options=dict(self.kind.container_options),
        )
        for kind, one in found.items():
            self._streams[kind] = self._output.add_stream_from_template(one)
        if "audio" in self._streams:
            self._streams["audio"].metadata["title"] = "avatar"

    def _mux(self, stream: Any) -> None:
        has_video = any(one.type == "video" for one in stream.streams)
        shift: float | None = None
        for packet in stream.demux():
            kind = packet.stream.type
            if self._ending and time.monotonic() > self._drain_by:
                return
            if packet.dts is None or packet.pts is None or kind not in self._streams:
                continue
            if shift is None:
                if has_video and not (kind == "video" and packet.is_keyframe):
                    continue
                if self._origin is None:
                    self._origin = self._now()
                shift = self._now() - self._origin - float(packet.dts * packet.time_base)
            self._write(packet, kind, shift)

    def _write(self, packet: Any, kind: str, shift: float) -> None:
        at = float(packet.dts * packet.time_base) + shift
        if at < 0 or at <= self._last.get(kind, -1.0):
            self._late += kind == "video"
            return
        self._last[kind] = at
        moved = round(shift / float(packet.time_base))
        packet.pts += moved
        packet.dts += moved
        packet.stream = self._streams[kind]
        self._output.mux(packet)
        self._pictures += kind == "video"

    def _complete(self) -> None:
        if self._output is not None:
            self._output.close()
