"""Simulated avatars that show one grey and sound one tone, for the conformance suite of media."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.media.mouth import RATE
from akool_async.simulator.media.settings import Media
from akool_async.simulator.media.threads import MediaThreads
from akool_async.testing.media_samples import tone

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TonedAvatars"]

_TONE_SECONDS = 5


class Grey:
    """A face of one grey."""

    def __init__(self, media: Media, luma: int) -> None:
        self._picture = np.full((media.height * 3 // 2, media.width), 128, np.uint8)
        self._picture[: media.height] = luma

    def draw(self, loudness: float, at: float) -> NDArray[Any]:
        del loudness, at
        return self._picture


class TonedAvatars:
    """Makes them, and closes them; notes how loud what they hear is, and has what they see."""

    def __init__(self, width: int, height: int) -> None:
        self.settings = Media(width=width, height=height)
        self._threads = MediaThreads()
        self._made: list[AvatarMedia] = []
        self._singing: list[asyncio.Task[None]] = []
        self._heard: deque[tuple[float, float]] = deque(maxlen=200)

    def make(self, grey: int) -> AvatarMedia:
        media = AvatarMedia(self.settings, self._threads, failed=_raise)
        # In place of the real ones: whole pictures of a grey, and no turns of speech.
        media.feed.face = Grey(self.settings, grey)  # type: ignore[assignment]
        media.hearing.hear = self._hear  # type: ignore[method-assign]
        self._made.append(media)
        self._singing.append(asyncio.create_task(_sing(media)))
        return media

    async def close(self) -> None:
        for task in self._singing:
            task.cancel()
        if self._singing:
            await asyncio.wait(self._singing)
        for media in self._made:
            await media.close()
        await self._threads.close()

    def loudness(self) -> float:
        """Of the last tenth of a second, 0 to 1."""
        since = time.monotonic() - 0.1
        return max((level for at, level in self._heard if at >= since), default=0.0)

    def luma(self) -> float | None:
        """Of the last picture that the first of them saw; `None`: none."""
        last = self._made[0].sight.seen().last
        return None if last is None else float(last.to_av().to_ndarray(format="gray").mean())

    def _hear(self, identity: str, samples: NDArray[Any]) -> None:
        del identity
        level = float(np.sqrt((samples.astype(float) ** 2).mean())) / 32_768
        self._heard.append((time.monotonic(), level))


async def _sing(media: AvatarMedia) -> None:
    """A tone without an end."""
    sound = AudioFrame(tone(1000, RATE, RATE, 1) * _TONE_SECONDS, RATE)
    while True:
        media.mouth.add(sound)
        await media.mouth.wait_played(left=1.0)


def _raise(error: Exception) -> None:
    raise error
