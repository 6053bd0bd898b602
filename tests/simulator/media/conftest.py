"""A small avatar, for tests of its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from simulated_media import avatar_media

from akool_async.simulator.media.avatar_media import AvatarMedia


@pytest.fixture
async def media() -> AsyncIterator[AvatarMedia]:
    async with avatar_media() as media:
        yield media
