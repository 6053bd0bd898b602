"""Plays segments of speech one after the other, and reports each once.

The rules are those of LiveKit's data-stream avatars, which the service's meeting mode follows
(docs/protocol.md §2 "Your own voice"). A segment ends by its end mark; where that is lost, by the
next segment's header, by a clear, or after ten seconds without audio. Speech in a published track
has neither header nor end mark (`track.TrackSpeech`), and its end is reported to no one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from akool_async.simulator.clock import Clock
from akool_async.simulator.meeting.output import SilentOutput, SpeechOutput

__all__ = ["MeetingPlayer", "Segment", "Way"]

#: Seconds without audio after which a segment is over.
IDLE: Final = 10.0
#: Seconds of audio that are played at once.
_CHUNK: Final = 0.02

EndedBy = Literal["end", "header", "clear", "idle", "quiet"]
Way = Literal["stream", "track"]


@dataclass(eq=False, slots=True)
class Segment:
    """One piece of speech that was sent.

    Attributes:
        sender: who sent it.
        sample_rate: in Hz.
        channels: how many.
        way: how it came: by a data stream, or in a published track.
        received: bytes that came.
        ended_by: what ended it; `None`: it goes on.
        cleared: it was cleared before its end.
        played: seconds that were played.
        reported: its end was reported to the sender; never that of a track's.
    """

    sender: str
    sample_rate: int
    channels: int
    way: Way = "stream"
    received: int = 0
    ended_by: EndedBy | None = None
    cleared: bool = False
    played: float = 0.0
    reported: bool = False
    _waiting: bytearray = field(default_factory=bytearray, repr=False)
    _changed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    _written: int = 0

    @property
    def bytes_per_second(self) -> int:
        """Of its form."""
        return 2 * self.sample_rate * self.channels

    def feed(self, data: bytes) -> None:
        """More of it; what comes after its end is dropped."""
        if self.ended_by is None:
            self.received += len(data)
            self._waiting += data
            self._changed.set()

    def end(self, by: EndedBy = "end") -> None:
        """No more comes."""
        if self.ended_by is None:
            self.ended_by = by
        self._changed.set()

    def clear(self) -> None:
        """What wasn't played isn't."""
        self.cleared = True
        self._waiting.clear()
        self.end("clear")

    def take(self) -> bytes:
        """The next samples to be played; fewer than usual only at the end."""
        # Here and not in `more`, which begins to run later: what comes in between isn't missed.
        self._changed.clear()
        sample = 2 * self.channels
        size = int(self.bytes_per_second * _CHUNK) // sample * sample
        if len(self._waiting) < size and self.ended_by is None:
            return b""
        size = min(size, len(self._waiting) // sample * sample)
        data = bytes(self._waiting[:size])
        del self._waiting[:size]
        self._written += size
        return data

    def note_played(self, queued: float) -> None:
        """So many seconds of what was taken aren't played yet."""
        self.played = max(0.0, self._written / self.bytes_per_second - queued)

    async def more(self) -> None:
        """Returns when something was fed since the last `take`, or it ended."""
        await self._changed.wait()

    async def until_cleared(self) -> None:
        """Returns when it was cleared."""
        while not self.cleared:
            self._changed.clear()
            await self._changed.wait()


#: Reports that a segment begins to be heard, or is over, to its sender.
Report = Callable[[Segment], Awaitable[None]]


async def _no_report(segment: Segment) -> None:
    del segment


class MeetingPlayer:
    """The speech of one session.

    Attributes:
        segments: every segment that was sent, in that order.
        output: where it is heard; a room with sound sets its own.
        on_started, on_finished: set by the room; they have limits of their own.
        reports: `False`: the end of a segment isn't reported (a fault).
        refuses_clear: calls to clear are refused (a fault).
        loses_ends: end marks are lost (a fault).
    """

    def __init__(self, clock: Clock) -> None:
        self.segments: list[Segment] = []
        self.output: SpeechOutput = SilentOutput(clock)
        self.on_started: Report = _no_report
        self.on_finished: Report = _no_report
        self.reports = True
        self.refuses_clear = False
        self.loses_ends = False
        self._clock = clock
        self._waiting: deque[Segment] = deque()
        self._arrived = asyncio.Event()
        self._over: asyncio.Queue[Segment] = asyncio.Queue()

    @property
    def taking(self) -> bool:
        """Whether a segment has begun that hasn't ended: more of it comes."""
        return bool(self._waiting) and self._waiting[-1].ended_by is None

    def begin(
        self, sender: str, sample_rate: int, channels: int, *, way: Way = "stream"
    ) -> Segment:
        """A segment's header came, or speech began in a track."""
        if self._waiting:
            self._waiting[-1].end("header")
        segment = Segment(sender, sample_rate, channels, way)
        self.segments.append(segment)
        self._waiting.append(segment)
        self._arrived.set()
        return segment

    def end(self, segment: Segment) -> None:
        """A segment's end mark came."""
        if not self.loses_ends:
            segment.end()

    def clear(self) -> None:
        """Everything that was sent and not played is dropped."""
        if self._waiting:
            self._waiting[0].note_played(self.output.queued)
        for segment in self._waiting:
            segment.clear()
        self.output.clear()

    async def run(self) -> None:
        """Plays until it is cancelled."""
        reporting = asyncio.create_task(self._report())
        try:
            while True:
                while not self._waiting:
                    self._arrived.clear()
                    await self._arrived.wait()
                segment = self._waiting[0]
                await self._play(segment)
                self._waiting.popleft()
                self._over.put_nowait(segment)
        finally:
            reporting.cancel()
            await asyncio.wait({reporting})

    async def _play(self, segment: Segment) -> None:
        output = self.output
        await output.begin(segment.sample_rate, segment.channels)
        starts = True
        while not segment.cleared:
            if chunk := segment.take():
                await output.write(chunk)
                if starts:
                    starts = False
                    await self.on_started(segment)
            elif segment.ended_by is not None:
                break
            else:
                await self._more(segment)
            if not segment.cleared:
                segment.note_played(output.queued)
        if segment.cleared:
            # What was being written when it was cleared.
            output.clear()
            return
        drained = asyncio.ensure_future(output.drain())
        cleared = asyncio.ensure_future(segment.until_cleared())
        try:
            await asyncio.wait({drained, cleared}, return_when=asyncio.FIRST_COMPLETED)
            if not segment.cleared:
                segment.note_played(0.0)
        finally:
            drained.cancel()
            cleared.cancel()
            await asyncio.wait({drained, cleared})

    async def _more(self, segment: Segment) -> None:
        more = asyncio.ensure_future(segment.more())
        idle = asyncio.ensure_future(self._clock.sleep(IDLE))
        try:
            await asyncio.wait({more, idle}, return_when=asyncio.FIRST_COMPLETED)
            if not more.done():
                segment.end("idle")
        finally:
            more.cancel()
            idle.cancel()
            await asyncio.wait({more, idle})

    async def _report(self) -> None:
        """In order, and beside playing: the call to the sender takes its time."""
        while True:
            segment = await self._over.get()
            if self.reports and segment.way == "stream":
                await self.on_finished(segment)
                segment.reported = True
