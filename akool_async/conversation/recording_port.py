"""What a recording reads of its conversation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Final

from akool_async.conversation.event_bus import EventBus
from akool_async.conversation.recorded_speech import noted_speech
from akool_async.conversation.transcript import Transcript
from akool_async.errors import InvalidParameterError
from akool_async.media.contract import AudioRequest, EncodedSink, MediaSubscription, VideoRequest
from akool_async.media.frames import AudioFrame, VideoFrame
from akool_async.media.readers import FrameReader
from akool_async.media.recording.recording import Recording
from akool_async.media.recording.subtitles import Speech
from akool_async.media.session import SessionMedia
from akool_async.validation import quoted

__all__ = ["new_recording"]

#: Frames that wait for the recorder, which takes them at once: two seconds.
_PICTURES: Final = 60
_SOUNDS: Final = 100


class _Port:
    """A `RecordingPort`."""

    def __init__(self, media: SessionMedia, events: EventBus, transcript: Transcript) -> None:
        self._media = media
        self._events = events
        self._transcript = transcript

    def now(self) -> float:
        return self._media.clock.now()

    def audio(self, sample_rate: int) -> FrameReader[AudioFrame]:
        return self._media.audio_reader(AudioRequest(sample_rate), _SOUNDS)

    def video(self) -> FrameReader[VideoFrame]:
        return self._media.video_reader(VideoRequest(), None, _PICTURES)

    def encoded(self, sink: EncodedSink) -> MediaSubscription | None:
        return self._media.require("hear").encoded(sink)

    def audio_delay(self) -> float:
        return self._media.require("hear").audio_delay

    def size(self) -> tuple[int, int] | None:
        sizes = [(track.width, track.height) for track in self._media.tracks if track.width]
        return max(sizes, default=None)

    def microphone(self, sink: Callable[[AudioFrame], None]) -> Callable[[], None]:
        return self._media.tap_microphones(sink)

    def speech(self) -> contextlib.AbstractAsyncContextManager[Callable[[], Sequence[Speech]]]:
        return noted_speech(self._events, self._transcript, self.now)


def new_recording(
    media: SessionMedia,
    events: EventBus,
    transcript: Transcript,
    path: str | PathLike[str],
    *,
    microphone: bool,
    subtitles: bool,
    overwrite: bool,
) -> Recording:
    """A recording of the conversation that these are parts of; it ends with it.

    Raises:
        InvalidParameterError: `path` isn't a path.
    """
    name = fspath(path) if isinstance(path, PathLike) else path
    if not isinstance(name, str):
        raise InvalidParameterError("path", f"{quoted(path)} isn't the path of a file")
    began = media.clock.now()

    def finished(recording: Recording) -> None:
        media.recordings.discard(recording)
        failed = "" if recording.error is None else type(recording.error).__name__
        media.measures.span("recording", media.clock.now() - began, failed)

    recording = Recording(
        _Port(media, events, transcript),
        Path(name),
        overwrite=overwrite,
        microphone=microphone,
        subtitles=subtitles,
        on_finished=finished,
    )
    media.recordings.add(recording)
    return recording
