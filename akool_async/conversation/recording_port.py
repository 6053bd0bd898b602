"""What a recording reads of its conversation: frames, and what was said, for the subtitles.

The transcript knows the texts and when they were asked for or came in. A speech is heard from the
avatar's `audio_start` to its `audio_end`, where the room reports them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike, fspath
from pathlib import Path
from typing import Final

from akool_async.conversation.event_bus import EventBus, EventReader
from akool_async.conversation.transcript import Transcript, TranscriptEntry
from akool_async.errors import InvalidParameterError
from akool_async.events import Event, SpeakingStarted, SpeakingStopped
from akool_async.media.contract import AudioRequest, EncodedSink, MediaSubscription, VideoRequest
from akool_async.media.frames import AudioFrame, VideoFrame
from akool_async.media.readers import FrameReader
from akool_async.media.recording.recording import Recording
from akool_async.media.recording.subtitles import Speech
from akool_async.media.session import SessionMedia
from akool_async.validation import quoted

__all__ = ["new_recording", "noted_speech"]

#: Frames that wait for the recorder, which takes them at once: two seconds.
_PICTURES: Final = 60
_SOUNDS: Final = 100
#: How long a text is spoken, where the room doesn't report it: characters in a second.
_PACE: Final = 15.0
#: Seconds by which speech may have begun before its text came in.
_BEFORE: Final = 1.0
#: Seconds by which the two clocks may differ.
_CLOCKS: Final = 0.01


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
        media.recordings = tuple(one for one in media.recordings if one is not recording)
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
    media.recordings += (recording,)
    return recording


@dataclass(slots=True)
class _Interval:
    """When the avatar was heard; `end` is `None` while it is."""

    mid: str
    start: float
    end: float | None = None


@contextlib.asynccontextmanager
async def noted_speech(
    events: EventBus, transcript: Transcript, now: Callable[[], float]
) -> AsyncIterator[Callable[[], Sequence[Speech]]]:
    """Notes when the avatar speaks, on the clock `now`; gives a function that returns what was said
    since.
    """
    began = now()
    heard: list[_Interval] = []
    reader: EventReader[Event] = events.reader((SpeakingStarted, SpeakingStopped))
    noting = asyncio.create_task(_note(reader, heard, now), name="akool-recorded-speech")

    def said() -> list[Speech]:
        # From the transcript's clock to ours.
        offset = now() - datetime.now(UTC).timestamp()
        return _speeches(transcript, heard, offset, began, now())

    try:
        yield said
    finally:
        reader.close()
        noting.cancel()
        await asyncio.wait([noting])


async def _note(
    reader: EventReader[Event], heard: list[_Interval], now: Callable[[], float]
) -> None:
    async for event in reader:
        if not isinstance(event, SpeakingStarted | SpeakingStopped):
            continue  # `Disconnected`, the last one
        if heard and heard[-1].end is None:
            heard[-1].end = now()
        if isinstance(event, SpeakingStarted):
            heard.append(_Interval(event.mid, now()))


def _speeches(
    transcript: Transcript, heard: list[_Interval], offset: float, began: float, until: float
) -> list[Speech]:
    free, made = list(heard), []
    for entry in transcript:
        start = entry.started_at.timestamp() + offset
        end = until if entry.ended is None else entry.ended.timestamp() + offset
        if entry.role == "avatar":
            interval = _interval_of(entry, start, free)
            if interval is None:
                end = max(end, start + len(entry.text) / _PACE)
            else:
                free.remove(interval)
                start = interval.start
                end = until if interval.end is None else interval.end
        if end > began - _CLOCKS:
            made.append(Speech(entry.role, entry.text, start, end))
    return made


def _interval_of(entry: TranscriptEntry, start: float, free: list[_Interval]) -> _Interval | None:
    """When it was heard: by its mid, or else the first speech that no entry before has."""
    for interval in free:
        if entry.mid and interval.mid == entry.mid:
            return interval
    return next((one for one in free if one.start >= start - _BEFORE), None)
