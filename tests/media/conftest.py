from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playback_scene import PlaybackScene


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[PlaybackScene]:
    scene = PlaybackScene()
    yield scene
    await scene.queue.stop()
