"""Audio that the avatar is to speak: one piece after the other, reported when it was played."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeVar

from akool_async.errors import DisconnectedError, InvalidParameterError, PlaybackTimeoutError
from akool_async.media.audio_input import AudioSource, check_audio, read_audio
from akool_async.media.speech_audio import PlaybackReport, SpeechAudio, SpeechSegment
from akool_async.validation import flag

__all__ = ["Playback", "PlaybackLimits", "PlaybackPort", "PlaybackQueue", "PlaybackResult"]

T = TypeVar("T")
PlaybackState = Literal["waiting", "playing", "played", "cancelled", "dropped", "failed"]

#: Seconds that a segment's task may take to stop once it was cancelled.
_STOP_GRACE: Final = 1.0


@dataclass(frozen=True, slots=True)
class PlaybackResult:
    """What became of audio given to `play_audio`.

    Attributes:
        seconds: of it that the avatar played, as it reported.
        interrupted: it wasn't played to its end: cancelled, dropped, or stopped by the avatar.
    """

    seconds: float
    interrupted: bool


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


class PlaybackPort(Protocol):
    """What playing needs of the conversation."""

    def speech_audio(self) -> SpeechAudio:
        """The way into the room.

        Raises:
            NotSupportedError: there is none.
        """
        ...

    def report(self, error: BaseException, where: str) -> None:
        """An error that no caller waits for."""


class Playback:
    """Audio that the avatar is to play; made by `AvatarSession.play_audio`.

    `await playback` waits for its end, as `await playback.played()` does. Whether it is waited for
    or not makes no difference; but leaving the session's block ends what wasn't played yet.
    """

    def __init__(self, cancel: Callable[[Playback], None], bytes_per_second: int) -> None:
        self._cancel = cancel
        self._bytes_per_second = bytes_per_second
        self._state: PlaybackState = "waiting"
        self._written = 0
        self._awaited = False
        self._done: asyncio.Future[PlaybackResult] = asyncio.get_running_loop().create_future()

    @property
    def state(self) -> PlaybackState:
        """How far it is: "waiting", "playing", "played", "cancelled", "dropped" or "failed"."""
        return self._state

    @property
    def seconds_written(self) -> float:
        """How much audio is on its way, or played."""
        return self._written / self._bytes_per_second

    @property
    def done(self) -> bool:
        """Whether nothing more happens to it."""
        return self._done.done()

    def __repr__(self) -> str:
        return f"<Playback {self._state}, {self.seconds_written:.2f} s written>"

    def __await__(self) -> Generator[Any, None, PlaybackResult]:
        return self.played().__await__()

    async def played(self) -> PlaybackResult:
        """Waits until it was played, or won't be.

        Raises:
            AudioTimeoutError, AudioSourceError: the iterable gave nothing in time, or cancelled
                itself. What it had given was stopped.
            InvalidParameterError: the iterable gave something that isn't such audio, or a file
                can't be read.
            PlaybackTimeoutError: the avatar didn't report the end in time.
            SendError: the room didn't take the audio; or the avatar refused to stop it.
            DisconnectedError, ConversationClosedError: the conversation is over.
            Exception: whatever the iterable raised.
        """
        self._awaited = True
        return await asyncio.shield(self._done)

    async def cancel(self) -> PlaybackResult:
        """Stops it, and waits until it is silent; returns and raises as `played`.

        What was written and not played is dropped. One that waits for its turn isn't begun.
        """
        self._cancel(self)
        return await self.played()

    # Used by the queue.

    @property
    def awaited(self) -> bool:
        """Whether a caller waits, or waited, for its end: an error needs no other report."""
        return self._awaited

    def begun(self) -> None:
        """Its turn has come."""
        self._state = "playing"

    def note_written(self, size: int) -> None:
        """So many more bytes of it are on their way."""
        self._written += size

    def end(self, state: PlaybackState, result: PlaybackResult | BaseException) -> None:
        """Nothing more happens to it; once."""
        if self._done.done():
            return
        self._state = state
        if isinstance(result, PlaybackResult):
            self._done.set_result(result)
        else:
            self._done.set_exception(result)
            self._done.exception()  # no one need look at it


class PlaybackQueue:
    """The audio of one conversation. Only the first in the queue is on its way into the room."""

    def __init__(self, port: PlaybackPort, limits: PlaybackLimits) -> None:
        self._port = port
        self._limits = limits
        self._jobs: deque[_Job] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._ways: set[SpeechAudio] = set()

    @property
    def unplayed(self) -> int:
        """How many aren't over."""
        return len(self._jobs)

    @property
    def busy(self) -> bool:
        """Whether anything is played or waits for it."""
        return bool(self._jobs)

    def play(
        self,
        source: AudioSource,
        *,
        sample_rate: int,
        channels: int,
        interrupt: bool = False,
        drop: bool = False,
    ) -> Playback:
        """See `AvatarSession.play_audio`."""
        if flag("interrupt", interrupt) and flag("drop", drop):
            raise InvalidParameterError("drop", "can't be combined with interrupt")
        check_audio(source, sample_rate, channels)
        way = self._port.speech_audio()
        playback = Playback(self._cancel, 2 * channels * sample_rate)
        if drop and self.busy:
            playback.end("dropped", PlaybackResult(0.0, interrupted=True))
            return playback
        if interrupt:
            self.stop_all()
        self._ways.add(way)
        self._jobs.append(_Job(playback, way, source, sample_rate, channels, self._limits))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="akool-playback")
        return playback

    def stop_all(self) -> None:
        """Stops what is played, and drops what waits."""
        for job in list(self._jobs):
            self._cancel(job.playback)

    def cut_off(self) -> None:
        """The room was replaced: what is played there is over, and what waits is played next."""
        if self._jobs:
            self._jobs[0].lost.set()

    def fail_all(self, make: Callable[[], BaseException]) -> None:
        """The conversation is over: each fails with an error of its own."""
        self._closed = True
        for job in self._jobs:
            job.playback.end("failed", make())
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        """Ends the task, and frees the ways into the room."""
        self._closed = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        ways, self._ways = list(self._ways), set()
        for way in ways:
            await way.aclose()

    def _cancel(self, playback: Playback) -> None:
        for job in list(self._jobs):
            if job.playback is playback:
                job.stop.set()
                if job is not self._jobs[0]:
                    self._jobs.remove(job)
                    playback.end("cancelled", PlaybackResult(0.0, interrupted=True))

    async def _run(self) -> None:
        try:
            while self._jobs:
                await self._play(self._jobs[0])
                self._jobs.popleft()
        finally:
            self._task = None
            self._jobs.clear()

    async def _play(self, job: _Job) -> None:
        playback = job.playback
        try:
            result = await job.run()
        except Exception as error:  # noqa: BLE001 - it may be the iterable's; raised by played()
            playback.end("failed", error)
            if not playback.awaited and not self._closed:
                self._port.report(error, "the audio given to play_audio()")
        else:
            state: PlaybackState = "cancelled" if result.interrupted else "played"
            playback.end(state, result)


class _Job:
    """One playback and its task.

    Attributes:
        stop: set to stop it.
        lost: set when its room was replaced, and no report comes any more.
    """

    def __init__(
        self,
        playback: Playback,
        way: SpeechAudio,
        source: AudioSource,
        sample_rate: int,
        channels: int,
        limits: PlaybackLimits,
    ) -> None:
        self.playback = playback
        self.stop = asyncio.Event()
        self.lost = asyncio.Event()
        self._way = way
        self._source = source
        self._form = (sample_rate, channels)
        self._limits = limits
        self._segment: SpeechSegment | None = None
        self._loop = asyncio.get_running_loop()
        #: When everything that was written will have been played, as far as we know.
        self._plays_until = 0.0

    async def run(self) -> PlaybackResult:
        """Plays it; raises as `Playback.played`."""
        work = asyncio.ensure_future(self._run())
        lost = asyncio.ensure_future(self.lost.wait())
        try:
            await asyncio.wait({work, lost}, return_when=asyncio.FIRST_COMPLETED)
            broken = work.done() and not work.cancelled() and work.exception()
            if isinstance(broken, DisconnectedError):
                # Whether the conversation is over, too, or goes on in another room, is known soon.
                await asyncio.wait({lost}, timeout=_STOP_GRACE)
        finally:
            lost.cancel()
            if not work.done():
                work.cancel()
                await asyncio.wait({work}, timeout=2 * _STOP_GRACE)
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
        stop = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            if not task.done():
                task.cancel()
                # A generator of the user's may take its time to end; no longer than this.
                await asyncio.wait({task}, timeout=_STOP_GRACE)
        if not self.stop.is_set():
            return await task
        if task.done() and not task.cancelled():
            task.exception()  # it doesn't matter any more
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
                    self._segment = await self._way.open(rate, channels, timeout=limits.step)
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
        most = self._way.most_ahead
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
