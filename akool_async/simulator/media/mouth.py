"""Sound on its way out of the avatar's mouth, which moves with it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import av
import numpy as np

from akool_async.media.frames import AudioFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RATE", "TICK", "Mouth"]

#: Hz and samples of a piece that is sent, 20 ms.
RATE: Final = 48_000
TICK: Final = 960
#: Seconds without a piece taken after which whoever waits for them isn't kept waiting.
_STALLED: Final = 10.0


class Mouth:
    """Plays sound, piece after piece, at the pace of time.

    Args:
        on_sound: called when there is something to play.

    Attributes:
        on_clear: called when it falls silent at once, for what is further on its way.
    """

    def __init__(self, on_sound: Callable[[], None]) -> None:
        self._on_sound = on_sound
        self.on_clear: set[Callable[[], None]] = set()
        self._waiting: deque[NDArray[Any]] = deque()
        self._samples = 0
        self._taken = 0
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._resampler: Any = None
        self._resamples: tuple[int, int] | None = None

    @property
    def queued(self) -> float:
        """Seconds that are still to be played."""
        return self._samples / RATE

    def add(self, sound: AudioFrame) -> float:
        """Plays a sound after what is queued already; one or two channels. Its seconds."""
        samples = self._fitting(sound)
        if len(samples):
            self._waiting.append(samples)
            self._samples += len(samples)
            self._on_sound()
        return len(samples) / RATE

    def clear(self) -> float:
        """Falls silent at once; the seconds that were not played."""
        left, self._samples = self._samples, 0
        self._waiting.clear()
        self._resampler = self._resamples = None
        self._wake()
        for call in list(self.on_clear):
            call()
        return left / RATE

    async def wait_played(self, *, left: float = 0.0) -> None:
        """Returns once no more than `left` seconds are queued.

        Raises:
            TimeoutError: nothing was played for 10 s.
        """
        samples = int(left * RATE)
        if self._samples <= samples:
            return
        while True:
            taken = self._taken
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append((samples, waiter))
            try:
                async with asyncio.timeout(_STALLED):
                    await waiter
            except TimeoutError:
                if taken == self._taken:
                    text = f"the avatar played nothing for {_STALLED:g} s"
                    raise TimeoutError(text) from None
            else:
                return
            finally:
                self._waiters.remove((samples, waiter))

    def take(self) -> NDArray[Any]:
        """The next 20 ms, int16; silence where nothing is queued."""
        piece = np.zeros(TICK, np.int16)
        filled = 0
        while filled < TICK and self._waiting:
            first = self._waiting[0]
            part = first[: TICK - filled]
            piece[filled : filled + len(part)] = part
            filled += len(part)
            if len(part) == len(first):
                self._waiting.popleft()
            else:
                self._waiting[0] = first[len(part) :]
        if filled:
            self._taken += 1
            self._samples -= filled
            self._wake()
        return piece

    def _wake(self) -> None:
        for samples, waiter in self._waiters:
            if self._samples <= samples and not waiter.done():
                waiter.set_result(None)

    def _fitting(self, sound: AudioFrame) -> NDArray[Any]:
        """As mono at 48 kHz; the parts of one stream are resampled as one."""
        if (sound.sample_rate, sound.channels) == (RATE, 1):
            return sound.to_ndarray()[:, 0]
        if not sound.pcm:
            return np.zeros(0, np.int16)
        if self._resamples != (sound.sample_rate, sound.channels):
            self._resampler = av.AudioResampler("s16", "mono", RATE)
            self._resamples = (sound.sample_rate, sound.channels)
        frame = sound.to_av()
        frame.pts = None
        parts = [part.to_ndarray()[0] for part in self._resampler.resample(frame)]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)
