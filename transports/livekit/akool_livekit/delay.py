"""By how much audio comes later than the pictures of the same moment, as the client measures it.

Either has a jitter buffer of its own, which grows on a bad network and on a busy machine.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["DelayMeter"]

logger = logging.getLogger("akool_async.transport.livekit")

#: Seconds on a quiet machine, until it is measured.
_USUAL: Final = 0.04
#: Seconds by which audio is late before it enters its buffer: an Opus frame is sent when its 20 ms
#: are full.
_PACKET: Final = 0.025
#: The most that is believed, in seconds.
_MOST: Final = 0.5
#: Seconds between two looks, and for one.
_EVERY: Final = 1.0
_TIMEOUT: Final = 2.0


class DelayMeter:
    """Looks at the statistics of both tracks about once a second while it is asked.

    Args:
        tracks: the audio and the video track that are received; `None` where one isn't.
    """

    def __init__(self, tracks: Callable[[], tuple[rtc.Track, rtc.Track] | None]) -> None:
        self._tracks = tracks
        self._delay = _USUAL
        self._task: asyncio.Task[None] | None = None
        self._looked = -_EVERY
        self._of: tuple[rtc.Track, rtc.Track] | None = None
        self._before: tuple[float, float, float, float] | None = None

    @property
    def delay(self) -> float:
        """In seconds."""
        now = time.monotonic()
        if now - self._looked >= _EVERY and (self._task is None or self._task.done()):
            self._looked = now
            self._task = asyncio.get_running_loop().create_task(
                self._look(), name="livekit delay of audio"
            )
        return self._delay

    async def close(self) -> None:
        """Ends a look under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _look(self) -> None:
        tracks = self._tracks()
        if tracks is None:
            self._of = self._before = None
            return
        if tracks != self._of:
            self._of, self._before = tracks, None
        audio, video = tracks
        try:
            async with asyncio.timeout(_TIMEOUT):
                heard, seen = await audio.get_stats(), await video.get_stats()
        except Exception as error:  # noqa: BLE001 - the client has no class for a track that went
            logger.debug("no statistics of the avatar's tracks: %s", type(error).__name__)
            return
        found = (*_sound(heard), *_pictures(seen))
        before, self._before = self._before, found
        if before is None:
            return
        buffered, samples, processed, frames = (
            now - then for now, then in zip(found, before, strict=True)
        )
        if samples > 0 and frames > 0:
            delay = buffered / samples - processed / frames + _PACKET
            self._delay = min(max(delay, 0.0), _MOST)


def _sound(stats: list[Any]) -> tuple[float, float]:
    """Seconds that all samples together spent in the buffer, and how many there were."""
    for one in stats:
        if one.HasField("inbound_rtp"):
            inbound = one.inbound_rtp.inbound
            return inbound.jitter_buffer_delay, inbound.jitter_buffer_emitted_count
    return 0.0, 0.0


def _pictures(stats: list[Any]) -> tuple[float, float]:
    """Seconds from arrival until decoded, of all pictures together, and how many there were."""
    for one in stats:
        if one.HasField("inbound_rtp"):
            inbound = one.inbound_rtp.inbound
            return inbound.total_processing_delay, inbound.frames_decoded
    return 0.0, 0.0
