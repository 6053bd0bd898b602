"""A session over an in-memory room whose avatar shows flashes and beeps in real time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from av_samples import picture, sound
from fake_avatar import FakeAvatar

from akool_async.conversation import AvatarSession, ConversationOptions
from akool_async.media import Picture
from akool_async.testing.in_memory_media import InMemoryMedia
from akool_async.testing.in_memory_room import InMemoryRoom

__all__ = ["Stage", "stage"]


@dataclass
class Stage:
    """The session, and the avatar's end of it."""

    avatar: AvatarSession
    media: InMemoryMedia
    room: InMemoryRoom
    robot: FakeAvatar

    @property
    def kinds(self) -> list[str]:
        """What the program is subscribed to."""
        return sorted(one.kind for one in self.media.subscriptions)


@contextlib.asynccontextmanager
async def stage(
    *, publishing: bool = True, options: ConversationOptions | None = None
) -> AsyncIterator[Stage]:
    """The avatar answers commands, and publishes sound at 48 kHz and pictures of 64x48."""
    room = InMemoryRoom()
    room.media = media = InMemoryMedia()
    robot = FakeAvatar(room)
    if publishing:
        media.publish("audio")
        media.publish("video")
    async with AvatarSession(room.transport, options=options) as avatar:
        pumping = asyncio.create_task(_pump(media))
        try:
            yield Stage(avatar, media, room, robot)
        finally:
            pumping.cancel()
            await asyncio.wait([pumping])


async def _pump(media: InMemoryMedia) -> None:
    loop = asyncio.get_running_loop()
    begin, at = loop.time(), 0
    while True:
        while loop.time() < begin + at / 50:
            await asyncio.sleep(0.005)
        frame, shown = sound(at / 50), picture(at / 50)
        for _, sink in media._streaming("audio"):
            sink.pcm(frame.pcm)  # type: ignore[union-attr]
        if at % 2 == 0:
            for subscription, sink in media._streaming("video"):
                packed = subscription.request.format == "rgb24"  # type: ignore[union-attr]
                luma = bytes(shown.planes[0])
                data = bytes(x for x in luma for _ in range(3)) if packed else shown.data
                sink.picture(  # type: ignore[union-attr]
                    Picture(data, shown.width, shown.height, captured=at / 50)
                )
        at += 1
