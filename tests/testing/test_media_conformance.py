"""The conformance suite of media over the in-memory room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from akool_async.media import MediaKind
from akool_async.testing.in_memory_media import InMemoryMedia
from akool_async.testing.in_memory_room import InMemoryRoom, InMemoryTransport
from akool_async.testing.media_conformance import MediaConformance
from akool_async.testing.media_peer import MediaPeer
from akool_async.testing.media_samples import rms
from akool_async.transport import JoinTarget

pytestmark = pytest.mark.virtual_clock


class Peer(MediaPeer):
    width, height = 64, 36

    def __init__(self) -> None:
        self.room = InMemoryRoom()
        self.room.media = self.media = InMemoryMedia()

    @property
    def target(self) -> JoinTarget:
        return self.room.transport.target

    async def publish(self, kind: MediaKind) -> None:
        self.media.publish(kind)

    async def unpublish(self, kind: MediaKind) -> None:
        self.media.unpublish(kind)

    async def mute(self, kind: MediaKind, muted: bool) -> None:
        self.media.mute(kind, muted)

    async def play(self) -> None:
        for n in range(100_000):
            self.media.play(0.02)
            self.media.picture(luma=self.grey, captured=n / 50)
            await asyncio.sleep(0.02)

    def loudness(self) -> float:
        open_ = [one for one in self.media.microphones if one.queued and not one.muted]
        return max((rms(bytes(one.pcm[-1600:])) for one in open_), default=0.0)

    def luma(self) -> float | None:
        frames = [frame for one in self.media.cameras for frame in one.frames]
        return float(frames[-1].data[0]) if frames else None


class TestInMemoryMedia(MediaConformance):
    transport = InMemoryTransport

    @pytest_asyncio.fixture
    async def room(self) -> AsyncIterator[Peer]:
        peer = Peer()
        playing = asyncio.create_task(peer.play())
        yield peer
        playing.cancel()
        await asyncio.wait({playing})

    @asynccontextmanager
    async def joined(self, room: Peer) -> AsyncIterator[InMemoryMedia]:
        self.options: Mapping[str, Any] = {"room": room.room}
        async with super().joined(room) as media:
            yield media
            await media.close()
