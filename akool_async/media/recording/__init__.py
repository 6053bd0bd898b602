"""Keeping a conversation as a file: frames in, a film, a sound file and subtitles out.

`recorder` has the thread and the queue before it, `film` and `wav` write the files, `timeline` says
where a frame goes, `subtitles` what is shown, `copying` keeps what is encoded already. Films need
PyAV (the extra `record`). Each name is imported when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akool_async.lazy import lazy_names

if TYPE_CHECKING:
    from akool_async.media.recording.base import BaseRecorder
    from akool_async.media.recording.copying import CopyingRecorder
    from akool_async.media.recording.recorder import Recorder
    from akool_async.media.recording.recording import Recording
    from akool_async.media.recording.stats import RecordingStats
    from akool_async.media.recording.subtitles import Cue, Speech, cues, webvtt

__all__ = [
    "BaseRecorder",
    "CopyingRecorder",
    "Cue",
    "Recorder",
    "Recording",
    "RecordingStats",
    "Speech",
    "cues",
    "webvtt",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "base": ("BaseRecorder",),
        "copying": ("CopyingRecorder",),
        "subtitles": ("Cue", "Speech", "cues", "webvtt"),
        "recorder": ("Recorder",),
        "recording": ("Recording",),
        "stats": ("RecordingStats",),
    },
)
