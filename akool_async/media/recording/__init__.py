"""Keeping a conversation as a file: frames in, a film, a sound file and subtitles out.

`recorder` has the thread and the queue before it, `film` and `wav` write the files, `timeline` says
where a frame goes, `subtitles` what is shown, `copying` keeps what is encoded already. Films need
PyAV (the extra `record`). Each name is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

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

_MODULES: Final = {
    "BaseRecorder": "base",
    "CopyingRecorder": "copying",
    "Cue": "subtitles",
    "Recorder": "recorder",
    "Recording": "recording",
    "RecordingStats": "stats",
    "Speech": "subtitles",
    "cues": "subtitles",
    "webvtt": "subtitles",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
