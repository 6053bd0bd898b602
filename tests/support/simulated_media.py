"""One simulated avatar's audio and video, without a room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import numpy as np

from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.media.settings import Media
from akool_async.simulator.media.threads import MediaThreads

__all__ = ["SMALL", "TONE", "avatar_media"]

#: Half a second at 48 kHz.
TONE: Final = (10_000 * np.sin(np.arange(24_000) / 10)).astype("<i2")
SMALL: Final = Media(width=320, height=180)


@asynccontextmanager
async def avatar_media(
    settings: Media = SMALL, *, errors: list[Exception] | None = None
) -> AsyncIterator[AvatarMedia]:
    """It and its threads are closed with the block.

    `errors` takes what goes wrong meanwhile; without it, nothing may.
    """
    unexpected: list[Exception] = []
    threads = MediaThreads()
    media = AvatarMedia(settings, threads, failed=(unexpected if errors is None else errors).append)
    try:
        yield media
    finally:
        await media.close()
        await threads.close()
    assert unexpected == []
