"""Puts subtitles into a complete film, by copying its packets: nothing is encoded again.

A subtitle belongs before the pictures that it is shown with, and its end is known only when the
speech is over, so it can't be written while the film is.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from akool_async.media.recording.formats import FileFormat
from akool_async.media.recording.subtitles import Cue

__all__ = ["add_subtitles"]

_MILLISECONDS: Final = Fraction(1, 1000)


def add_subtitles(
    path: Path, kind: FileFormat, cues: Sequence[Cue], *, end_by: float = float("inf")
) -> bool:
    """Puts a track of `cues` into the film; whether it did.

    The film is written once more beside itself, and then takes its own place: whatever happens, one
    whole film is there.

    Args:
        path: the film.
        kind: its kind, with subtitles.
        cues: in order.
        end_by: on `time.monotonic`'s clock; it gives up then.

    Raises:
        OSError, av.FFmpegError: the film can't be read, or the disk is full.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        whole = _copy(path, beside, kind, cues, end_by)
        if whole:
            with contextlib.suppress(OSError):
                beside.chmod(path.stat().st_mode & 0o777)
            beside.replace(path)
        return whole
    finally:
        beside.unlink(missing_ok=True)


def _copy(path: Path, to: Path, kind: FileFormat, cues: Sequence[Cue], end_by: float) -> bool:
    import av

    options = {"movflags": "+faststart"} if kind.container == "mp4" else {}
    with (
        av.open(str(path)) as film,
        av.open(str(to), "w", format=kind.container, container_options=options) as copy,
    ):
        streams: dict[int, Any] = {}
        for stream in film.streams:
            streams[stream.index] = copy.add_stream_from_template(stream)
            streams[stream.index].metadata.update(stream.metadata)
        subtitles: Any = copy.add_mux_stream(kind.subtitles)
        subtitles.time_base = _MILLISECONDS
        waiting = list(reversed(cues))
        last = -1
        for packet in film.demux():
            if time.monotonic() > end_by:
                return False
            if packet.dts is None or packet.pts is None:
                continue
            now = float(packet.pts * packet.time_base)
            while waiting and waiting[-1].start <= now:
                # Two people may speak at the same time; two cues may not begin at the same time.
                cue = waiting.pop()
                last = max(last + 1, round(cue.start * 1000))
                copy.mux(_packet(cue, subtitles, kind, last))
            packet.stream = streams[packet.stream.index]
            copy.mux(packet)
    return True


def _packet(cue: Cue, stream: Any, kind: FileFormat, start: int) -> Any:
    import av

    text = cue.text.encode()
    if kind.subtitles == "mov_text":
        text = struct.pack(">H", len(text)) + text
    packet: Any = av.Packet(text)
    packet.stream = stream
    packet.time_base = _MILLISECONDS
    packet.pts = packet.dts = start
    packet.duration = max(1, round(cue.end * 1000) - start)
    return packet
