"""What was said while a conversation is recorded, on its media clock: the film's subtitles.

The transcript knows the texts and when they were asked for or came in. A speech is heard from the
avatar's `audio_start` to its `audio_end`, where the room reports them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from akool_async.conversation.event_bus import EventBus, EventReader
from akool_async.conversation.transcript import Transcript, TranscriptEntry
from akool_async.events import Event, SpeakingStarted, SpeakingStopped
from akool_async.media.recording.subtitles import Speech

__all__ = ["noted_speech"]

#: How long a text is spoken, where the room doesn't report it: characters in a second.
_PACE: Final = 15.0
#: Seconds by which speech may have begun before its text came in.
_BEFORE: Final = 1.0

#: Seconds by which the two clocks may differ.
_CLOCKS: Final = 0.01


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
    """Notes when the avatar speaks, while it lasts; gives a function that returns what was said.

    Args:
        events: of the conversation.
        transcript: the same.
        now: the media clock.
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
    reader: EventReader[Event],
    heard: list[_Interval],
    now: Callable[[], float],
) -> None:
    async for event in reader:
        if not isinstance(event, SpeakingStarted | SpeakingStopped):
            continue  # `Disconnected`, the last one
        last = heard[-1] if heard else None
        if last is not None and last.end is None:
            last.end = now()
        if isinstance(event, SpeakingStarted):
            heard.append(_Interval(event.mid, now()))


def _speeches(
    transcript: Transcript, heard: list[_Interval], offset: float, began: float, until: float
) -> list[Speech]:
    free = list(heard)
    made = []
    for entry in transcript:
        start = entry.started_at.timestamp() + offset
        end = until if entry.ended is None else entry.ended.timestamp() + offset
        if entry.role == "avatar":
            interval = _interval_of(entry, start, free)
            if interval is not None:
                start = interval.start
                end = until if interval.end is None else interval.end
            else:
                end = max(end, start + len(entry.text) / _PACE)
        if end > began - _CLOCKS:
            made.append(Speech(entry.role, entry.text, start, end))
    return made


def _interval_of(entry: TranscriptEntry, start: float, free: list[_Interval]) -> _Interval | None:
    """When it was heard: by its mid, or else the first speech that no entry before has."""
    for interval in free:
        if entry.mid and interval.mid == entry.mid:
            free.remove(interval)
            return interval
    for interval in free:
        if interval.start >= start - _BEFORE:
            free.remove(interval)
            return interval
    return None
