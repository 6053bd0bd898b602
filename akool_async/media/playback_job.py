"""One piece of audio on its way to the avatar: read, written, reported, or stopped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from akool_async.concurrency import Tasks
from akool_async.errors import DisconnectedError, PlaybackTimeoutError
from akool_async.media.audio_input import AudioSource, read_audio
from akool_async.media.playback import Playback, PlaybackResult
from akool_async.media.speech_audio import PlaybackReport, SpeechAudio, SpeechSegment

__all__ = ["STOP_GRACE", "PlaybackJob", "PlaybackLimits"]

T = TypeVar("T")

#: Seconds that a segment's task may take to stop once it was cancelled.
STOP_GRACE: Final = 1.0


@dataclass(frozen=True, slots=True)
class PlaybackLimits:
    """In seconds.

    Attributes:
        step: beginning a segment, and each command to the avatar.
        first_audio: for the first audio of an async iterable.
        more_audio: between two pieces of it.
        report: for the avatar's report, beyond the audio's own time.
    """

    step: float
    first_audio: float
    more_audio: float
    report: float


class PlaybackJob:
    """One playback and its task.

    Attributes:
        stop: set to stop it.
        lost: set when its room was replaced, and no report comes any more.
        on_its_way: some of it is in the room, or about to be: it can't begin in another one.
    """

    def __init__(
        self,
        playback: Playback,
        admit: Callable[[], Awaitable[SpeechAudio]],
        source: AudioSource,
        sample_rate: int,
        channels: int,
        limits: PlaybackLimits,
        ending: Tasks,
    ) -> None:
        self.playback = playback
        self.stop = asyncio.Event()
        self.lost = asyncio.Event()
        self.on_its_way = False
        self._admit = admit
        self._most_ahead: float | None = None
        self._source = source
        self._form = (sample_rate, channels)
        self._limits = limits
        self._ending = ending
        self._segment: SpeechSegment | None = None
        self._loop = asyncio.get_running_loop()
        #: When everything that was written will have been played, as far as we know.
        self._plays_until = 0.0

    async def run(self) -> PlaybackResult:
        """Plays it; raises as `Playback.played`."""
        work = asyncio.ensure_future(self._run())
        work.add_done_callback(_retrieve)
        lost = asyncio.ensure_future(self.lost.wait())
        try:
            await asyncio.wait({work, lost}, return_when=asyncio.FIRST_COMPLETED)
            broken = work.done() and not work.cancelled() and work.exception()
            if isinstance(broken, DisconnectedError):
                # Whether the conversation is over, too, or goes on in another room, is known soon.
                await asyncio.wait({lost}, timeout=STOP_GRACE)
        finally:
            lost.cancel()
            if not work.done():
                work.cancel()
                await asyncio.wait({work}, timeout=2 * STOP_GRACE)
        if self.lost.is_set() and (work.cancelled() or work.exception() is not None):
            left = max(0.0, self._plays_until - self._loop.time())
            seconds = max(0.0, self.playback.seconds_written - left)
            return PlaybackResult(seconds, interrupted=True)
        return work.result()

    async def _run(self) -> PlaybackResult:
        self.playback.begun()
        try:
            try:
                whole = await self._unless_stopped(self._write())
            except DisconnectedError:
                raise
            except Exception:
                # The source's, or the room's: what was written isn't to be heard to its end.
                with contextlib.suppress(Exception):
                    await self._silence()
                raise
            segment = self._segment
            if segment is None:
                return PlaybackResult(0.0, interrupted=not whole)
            report = None
            if whole:
                report = await self._unless_stopped(self._report(segment, self._limits.report))
            if report is None:
                await self._silence()
                report = await self._report(segment, self._limits.step)
            return PlaybackResult(report.seconds, report.interrupted)
        finally:
            if self._segment is not None:
                self._segment.forget()

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Runs it to its end; `None`: it was stopped before, and is over."""
        task = asyncio.ensure_future(work)
        task.add_done_callback(_retrieve)
        stop = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            if not task.done():
                task.cancel()
                # A generator of the user's may take its time to end; no longer than this.
                self._ending.add(task)
                await asyncio.wait({task}, timeout=STOP_GRACE)
        if not self.stop.is_set():
            return await task
        return None

    async def _write(self) -> bool:
        rate, channels = self._form
        limits = self._limits
        pieces = read_audio(
            self._source, rate, channels, first=limits.first_audio, timeout=limits.more_audio
        )
        try:
            async for piece in pieces:
                if self._segment is None:
                    way = await self._admit()
                    self.on_its_way = True
                    self._most_ahead = way.most_ahead
                    self._segment = await way.open(rate, channels, timeout=limits.step)
                await self._keep_pace()
                await self._segment.write(piece)
                seconds = len(piece) / (2 * channels * rate)
                self.playback.note_written(len(piece))
                self._plays_until = max(self._plays_until, self._loop.time()) + seconds
        finally:
            await pieces.aclose()
        if self._segment is not None:
            await self._segment.end()
        return True

    async def _keep_pace(self) -> None:
        most = self._most_ahead
        if most is not None:
            ahead = self._plays_until - self._loop.time()
            if ahead > most:
                await asyncio.sleep(ahead - most)

    async def _silence(self) -> None:
        segment = self._segment
        if segment is not None:
            await segment.end()
            await segment.clear()
            self._plays_until = self._loop.time()

    async def _report(self, segment: SpeechSegment, limit: float) -> PlaybackReport:
        left = max(0.0, self._plays_until - self._loop.time())
        timer = asyncio.timeout(left + limit)
        try:
            async with timer:
                return await segment.finished()
        except TimeoutError as error:
            if not timer.expired():
                raise
            seconds = self.playback.seconds_written
            raise PlaybackTimeoutError(
                f"the avatar was sent {seconds:.2f} s of audio, and didn't report within "
                f"{limit:g} s after its time that it had played them",
                seconds=seconds,
            ) from error


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Whoever waits gets a task's error; where no one does any more, asyncio isn't to report it."""
    if not task.cancelled():
        task.exception()
