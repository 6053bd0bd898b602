"""Where the meeting's avatar plays: what a room gives it."""

from __future__ import annotations

import abc

from akool_async.simulator.clock import Clock

__all__ = ["SilentOutput", "SpeechOutput"]

#: Seconds of audio that `SilentOutput` takes before it is played.
_QUEUE = 0.2


class SpeechOutput(abc.ABC):
    """The avatar's voice in a room. One segment at a time."""

    @abc.abstractmethod
    async def begin(self, sample_rate: int, channels: int) -> None:
        """What is written from now on has this form."""

    @abc.abstractmethod
    async def write(self, pcm: bytes) -> None:
        """Plays s16le samples after those before; waits while its queue is full."""

    @property
    @abc.abstractmethod
    def queued(self) -> float:
        """Seconds that were written and not played yet."""

    @abc.abstractmethod
    def clear(self) -> None:
        """Drops what wasn't played yet."""

    @abc.abstractmethod
    async def drain(self) -> None:
        """Returns when all of it was played, or dropped."""


class SilentOutput(SpeechOutput):
    """Takes its time and plays nothing: for rooms without sound."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._size = 2
        self._until = 0.0

    async def begin(self, sample_rate: int, channels: int) -> None:
        """See `SpeechOutput`."""
        self._size = 2 * sample_rate * channels

    async def write(self, pcm: bytes) -> None:
        """See `SpeechOutput`."""
        self._until = max(self._until, self._clock.now()) + len(pcm) / self._size
        while self.queued > _QUEUE:
            await self._clock.sleep(self.queued - _QUEUE)

    @property
    def queued(self) -> float:
        """See `SpeechOutput`."""
        return max(0.0, self._until - self._clock.now())

    def clear(self) -> None:
        """See `SpeechOutput`."""
        self._until = 0.0

    async def drain(self) -> None:
        """See `SpeechOutput`."""
        while self.queued:
            await self._clock.sleep(self.queued)
