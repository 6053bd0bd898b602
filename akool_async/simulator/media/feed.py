"""One avatar's clock: every 20 ms a piece of sound, and pictures at their rate."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from akool_async.simulator.media.face import Face
from akool_async.simulator.media.mouth import Mouth
from akool_async.simulator.media.threads import MediaThreads

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Feed", "PictureSink", "SoundSink"]

logger = logging.getLogger(__name__)

#: Takes 20 ms of int16 mono at 48 kHz and their number, on the event loop.
SoundSink: TypeAlias = Callable[["NDArray[Any]", int], None]
#: Takes an i420 picture, which the next one draws over, and its seconds, in a thread.
PictureSink: TypeAlias = Callable[["NDArray[Any]", float], None]

_TICK: Final = 0.02
#: Seconds behind from which pieces are left out rather than sent late.
_TOO_LATE: Final = 0.5


class Feed:
    """Plays the mouth and draws the face, for as many as take them.

    Runs while there is a taker or something to play. Its time never begins again: encoders and
    players refuse that.

    Attributes:
        sounds, pictures: those who take them; changed by `add` and `remove` only.
        frozen: no pictures are drawn.
        skipped: pictures left out because the machine was busy.
    """

    def __init__(self, face: Face, *, fps: int, threads: MediaThreads) -> None:
        self.face = face
        self.mouth = Mouth(self._wake)
        self.sounds: set[SoundSink] = set()
        self.pictures: set[PictureSink] = set()
        self.frozen = False
        self.skipped = 0
        self._fps = fps
        self._threads = threads
        self._started = time.monotonic()
        self._task: asyncio.Task[None] | None = None
        self._drawing: Future[None] | None = None
        self._loudness = 0.0
        self._closed = False

    def add(self, *, sound: SoundSink | None = None, picture: PictureSink | None = None) -> None:
        """One more taker."""
        if sound is not None:
            self.sounds.add(sound)
        if picture is not None:
            self.pictures.add(picture)
        self._wake()

    def remove(self, *, sound: SoundSink | None = None, picture: PictureSink | None = None) -> None:
        """One less; a picture that is being drawn may still come."""
        if sound is not None:
            self.sounds.discard(sound)
        if picture is not None:
            self.pictures.discard(picture)

    def freeze(self, *, on: bool = True) -> None:
        """Draws no pictures any more; `on=False` ends it."""
        self.frozen = on

    async def close(self) -> None:
        """Stops, and waits for the picture that is being drawn; twice is fine."""
        self._closed = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        if self._drawing is not None and not self._drawing.cancel():
            await asyncio.wait([asyncio.wrap_future(self._drawing)])
        self.mouth.clear()

    def _wake(self) -> None:
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._run(), name="simulator-media-feed")

    async def _run(self) -> None:
        tick = int((time.monotonic() - self._started) / _TICK) + 1
        picture = int(tick * _TICK * self._fps) + 1
        while self.sounds or self.pictures or self.mouth.queued:
            wait = self._started + tick * _TICK - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            elif wait < -_TOO_LATE:
                tick += int(-wait / _TICK)
            self._play(tick)
            at = tick * _TICK
            if picture <= at * self._fps:
                picture = int(at * self._fps) + 1
                self._picture(at)
            tick += 1
        self._task = None

    def _play(self, tick: int) -> None:
        piece = self.mouth.take()
        loudness = float(np.sqrt(np.mean(piece.astype(np.float32) ** 2))) / 32768
        # Falls over some pieces: a picture shows one moment of several.
        self._loudness = max(loudness, self._loudness * 0.6)
        for sink in list(self.sounds):
            sink(piece, tick)

    def _picture(self, at: float) -> None:
        if not self.pictures or self.frozen:
            return
        if self._drawing is not None and not self._drawing.done():
            self.skipped += 1
            return
        self._drawing = self._threads.submit(self._draw, self._loudness, at, list(self.pictures))

    def _draw(self, loudness: float, at: float, sinks: list[PictureSink]) -> None:
        try:
            picture = self.face.draw(loudness, at)
            for sink in sinks:
                sink(picture, at)
        except Exception:
            logger.exception("a picture of the avatar couldn't be drawn")
