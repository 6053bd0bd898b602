"""Audio that the avatar is to speak: one piece after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from akool_async.concurrency import Tasks
from akool_async.errors import InvalidParameterError
from akool_async.media.audio_input import AudioSource, check_audio
from akool_async.media.playback import Playback, PlaybackResult, PlaybackState
from akool_async.media.playback_job import STOP_GRACE, PlaybackJob, PlaybackLimits
from akool_async.media.speech_audio import SpeechAudio
from akool_async.validation import flag

__all__ = ["PlaybackPort", "PlaybackQueue"]


class PlaybackPort(Protocol):
    """What playing needs of the conversation."""

    def speech_audio(self) -> SpeechAudio:
        """The way into the room.

        Raises:
            NotSupportedError: there is none.
        """
        ...

    async def admitted(self) -> None:
        """Returns when a new piece may begin; not while another session is about to take over."""

    def report(self, error: BaseException, where: str) -> None:
        """An error that no caller waits for."""


class PlaybackQueue:
    """The audio of one conversation. Only the first in the queue is on its way into the room."""

    def __init__(self, port: PlaybackPort, limits: PlaybackLimits) -> None:
        self._port = port
        self._limits = limits
        self._jobs: list[PlaybackJob] = []
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._way: SpeechAudio | None = None
        #: Reading sources that took longer than their time to end.
        self._ending = Tasks()

    @property
    def unplayed(self) -> int:
        """How many aren't over."""
        return len(self._jobs)

    @property
    def busy(self) -> bool:
        """Whether anything is played or waits for it."""
        return bool(self._jobs)

    @property
    def at_rest(self) -> bool:
        """Whether nothing is on its way into the room: what waits can be played in another one."""
        return not self._jobs or not self._jobs[0].on_its_way

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
        self._port.speech_audio()  # raises before anything is read
        playback = Playback(self._cancel, 2 * channels * sample_rate)
        if drop and self.busy:
            playback.end("dropped", PlaybackResult(0.0, interrupted=True))
            return playback
        if interrupt:
            self.stop_all()
        self._jobs.append(
            PlaybackJob(
                playback, self._admit, source, sample_rate, channels, self._limits, self._ending
            )
        )
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="akool-playback")
        return playback

    def stop_all(self) -> None:
        """Stops what is played, and drops what waits."""
        for job in list(self._jobs):
            self._cancel(job.playback)

    def cut_off(self) -> bool:
        """The room was replaced: what is played there is over, and what waits is played next.

        `True`: something was on its way.
        """
        cut = not self.at_rest
        if cut:
            self._jobs[0].lost.set()
        return cut

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
        for reading in self._ending.running:
            reading.cancel()
        if self._ending.running:
            await asyncio.wait(self._ending.running, timeout=STOP_GRACE)
        way, self._way = self._way, None
        if way is not None:
            await way.aclose()

    async def _admit(self) -> SpeechAudio:
        """The way into the room of this moment, when a new piece may begin there."""
        await self._port.admitted()
        way, before = self._port.speech_audio(), self._way
        self._way = way
        if before is not None and before is not way:
            await before.aclose()
        return way

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
                del self._jobs[0]
        finally:
            self._task = None
            self._jobs.clear()

    async def _play(self, job: PlaybackJob) -> None:
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
