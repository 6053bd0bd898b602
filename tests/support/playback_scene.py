"""A queue of what is played, over a way into the room that the test answers for."""

from __future__ import annotations

import asyncio
from typing import Any

from akool_async.media import PlaybackReport, SpeechAudio, SpeechSegment
from akool_async.media.playback_job import PlaybackLimits
from akool_async.media.playback_queue import PlaybackQueue

__all__ = ["LIMITS", "RATE", "SECOND", "PlaybackScene", "Way"]

RATE = 8_000
SECOND = bytes(2 * RATE)
LIMITS = PlaybackLimits(step=5.0, first_audio=5.0, more_audio=5.0, report=5.0)


class Piece(SpeechSegment):
    def __init__(self, way: Way) -> None:
        self.way = way
        self.calls: list[str] = []
        self.written = 0
        self.report: asyncio.Future[PlaybackReport] = asyncio.get_running_loop().create_future()

    async def write(self, pcm: bytes) -> None:
        if self.way.write_error is not None:
            raise self.way.write_error
        self.written += len(pcm)

    async def end(self) -> None:
        self.calls.append("end")
        if self.way.plays:
            self.say(PlaybackReport(self.written / 2 / RATE, interrupted=False))

    async def clear(self) -> None:
        self.calls.append("clear")
        if self.way.clear_error is not None:
            raise self.way.clear_error
        self.say(PlaybackReport(0.25, interrupted=True))

    async def finished(self) -> PlaybackReport:
        return await asyncio.shield(self.report)

    def forget(self) -> None:
        self.calls.append("forget")

    def say(self, report: PlaybackReport) -> None:
        if not self.report.done():
            self.report.set_result(report)


class Way(SpeechAudio):
    """Attributes: plays: reports each end at once."""

    def __init__(self) -> None:
        self.plays = True
        self.pieces: list[Piece] = []
        self.write_error: Exception | None = None
        self.clear_error: Exception | None = None
        self.closed = 0

    async def open(self, sample_rate: int, channels: int, *, timeout: float) -> Piece:
        assert (sample_rate, channels) == (RATE, 1)
        self.pieces.append(Piece(self))
        return self.pieces[-1]

    async def aclose(self) -> None:
        self.closed += 1


class Port:
    """Attributes: error: raised in place of a way."""

    def __init__(self) -> None:
        self.way = Way()
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.reported: list[BaseException] = []

    def speech_audio(self) -> SpeechAudio:
        if self.error is not None:
            raise self.error
        return self.way

    async def admitted(self) -> None:
        await self.gate.wait()

    def report(self, error: BaseException, where: str) -> None:
        self.reported.append(error)


class PlaybackScene:
    def __init__(self, limits: PlaybackLimits = LIMITS) -> None:
        self.port = Port()
        self.way = self.port.way
        self.queue = PlaybackQueue(self.port, limits)

    def play(self, source: Any = SECOND, **how: bool) -> Any:
        return self.queue.play(source, sample_rate=RATE, channels=1, **how)
