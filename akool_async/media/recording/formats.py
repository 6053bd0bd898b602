"""What a recording's file name says: its container and codecs; and whether it can be written."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from akool_async.errors import InvalidParameterError, MissingDependencyError
from akool_async.validation import quoted

__all__ = ["FORMATS", "FileFormat", "check_free", "check_target", "require_av"]


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A kind of file.

    Attributes:
        container: FFmpeg's name of the container; "" for WAV, which is written without FFmpeg.
        video: the encoder of the picture; "" where there is none.
        audio: the encoder of the sound.
        subtitles: the codec of the subtitle track; "" where there is none.
        copies: codecs whose packets go into the file without being decoded.
        ticks: units of the pictures' timestamps in a second.
        container_options: of the muxer. They make what is written so far playable.
        video_options: of the encoder: real time, one thread's work per picture.
    """

    container: str
    video: str
    audio: str
    subtitles: str
    copies: frozenset[str] = frozenset()
    ticks: int = 1000
    container_options: Mapping[str, str] = field(default_factory=dict)
    video_options: Mapping[str, str] = field(default_factory=dict)


#: Seconds between two pictures that can be decoded without those before them, and the length of a
#: cluster (WebM, Matroska) or fragment (MP4): what a killed process loses at most.
_KEY_FRAMES: Final = 2
#: Microseconds for which the muxer holds packets of one track back for those of another. FFmpeg's
#: ten seconds would be lost when the process is killed.
_INTERLEAVE: Final = "500000"
_MATROSKA_OPTIONS: Final = {
    "cluster_time_limit": "1000",
    "max_interleave_delta": _INTERLEAVE,
    "flush_packets": "1",
}
_VP9_OPTIONS: Final = {
    "deadline": "realtime",
    "cpu-used": "8",
    "row-mt": "1",
    "lag-in-frames": "0",
    "error-resilient": "1",
    "crf": "33",
    "b": "1500k",
}
#: What both Matroska and MP4 hold.
_COPIED: Final = frozenset({"h264", "hevc", "aac", "vp9", "opus"})

#: By suffix.
FORMATS: Final[Mapping[str, FileFormat]] = {
    ".webm": FileFormat(
        container="webm",
        video="libvpx-vp9",
        audio="libopus",
        subtitles="webvtt",
        copies=frozenset({"vp8", "vp9", "av1", "opus", "vorbis"}),
        container_options=_MATROSKA_OPTIONS,
        video_options=_VP9_OPTIONS,
    ),
    ".mkv": FileFormat(
        container="matroska",
        video="libvpx-vp9",
        audio="libopus",
        subtitles="subrip",
        copies=_COPIED | {"vp8", "av1", "vorbis", "mp3"},
        container_options=_MATROSKA_OPTIONS,
        video_options=_VP9_OPTIONS,
    ),
    ".mp4": FileFormat(
        container="mp4",
        video="libx264",
        audio="aac",
        subtitles="mov_text",
        copies=_COPIED | {"mp3"},
        ticks=90_000,
        container_options={
            "movflags": "+frag_keyframe+delay_moov+default_base_moof",
            "frag_duration": "1000000",
            "max_interleave_delta": _INTERLEAVE,
            "flush_packets": "1",
        },
        video_options={"preset": "ultrafast", "tune": "zerolatency", "crf": "23"},
    ),
    ".wav": FileFormat(container="", video="", audio="pcm_s16le", subtitles=""),
}


def check_target(path: object, *, overwrite: bool = False) -> tuple[Path, FileFormat]:
    """The file's path and kind.

    Raises:
        InvalidParameterError: the suffix isn't one of `FORMATS`, the folder isn't there or isn't
            writable, or the file is there and `overwrite` is `False`.
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise InvalidParameterError("path", f"{quoted(path)} isn't the path of a file")
    target = Path(os.fspath(path)).expanduser()
    kind = FORMATS.get(target.suffix.lower())
    if kind is None:
        known = ", ".join(FORMATS)
        raise InvalidParameterError(
            "path", f"{quoted(target.name)} has no known suffix, use one of: {known}"
        )
    folder = target.parent
    if not folder.is_dir():
        raise InvalidParameterError("path", f"the folder {str(folder)!r} isn't there; create it")
    if not os.access(folder, os.W_OK):
        raise InvalidParameterError("path", f"the folder {str(folder)!r} can't be written to")
    if target.is_dir():
        raise InvalidParameterError("path", f"{str(target)!r} is a folder; give a file's name")
    check_free(target, overwrite=overwrite)
    return target, kind


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raises `InvalidParameterError` where a file is there that may not be overwritten."""
    if not overwrite and (path.exists() or path.is_symlink()):
        raise InvalidParameterError(
            "path", f"{str(path)!r} is there already; give another name, or overwrite=True"
        )


def require_av(kind: FileFormat) -> None:
    """Whether what writes such files is installed; it isn't imported, which takes its time.

    Raises:
        MissingDependencyError: PyAV isn't.
    """
    if not kind.container or _is_installed("av"):
        return
    raise MissingDependencyError(
        "Recording to this kind of file needs the `av` package (PyAV), which isn't installed.",
        install='pip install "akool-async[record]"',
    )


def _is_installed(module: str) -> bool:
    if module in sys.modules:
        return sys.modules[module] is not None
    return importlib.util.find_spec(module) is not None
