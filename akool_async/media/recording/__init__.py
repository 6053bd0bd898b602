"""Keeping a conversation as a file: frames in, a film, a sound file and subtitles out.

`recorder` has the thread and the queue before it, `film` and `wav` write the files, `timeline` says
where a frame goes, `subtitles` what is shown. Films need PyAV (the extra `record`).
"""

from akool_async.media.recording.base import BaseRecorder, RecordingStats
from akool_async.media.recording.copying import CopyingRecorder
from akool_async.media.recording.recorder import Recorder
from akool_async.media.recording.subtitles import Cue, Speech, cues, webvtt

__all__ = [
    "BaseRecorder",
    "CopyingRecorder",
    "Cue",
    "Recorder",
    "RecordingStats",
    "Speech",
    "cues",
    "webvtt",
]
