"""Sessions that hear, see, speak and show over a real livekit-server."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
import pytest_asyncio
from akool_livekit import LiveKitTransport
from livekit import rtc
from media_peer import Publisher, ServerMediaPeer

from akool_async.conversation import AvatarSession, ConversationOptions
from akool_async.events import FirstVideo
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.testing.media_conformance import LOUD
from akool_async.testing.media_samples import rms
from akool_async.testing.waiting import TIMEOUT, until

pytestmark = pytest.mark.livekit_server

_numbers = itertools.count()


@pytest_asyncio.fixture
async def room(server: LiveKitServer) -> AsyncIterator[ServerMediaPeer]:
    async with ServerMediaPeer(server, f"session-{os.getpid()}-{next(_numbers)}") as room:
        yield room


@asynccontextmanager
async def opened(room: ServerMediaPeer) -> AsyncIterator[AvatarSession]:
    options = ConversationOptions(opening_timeout=0.1, ready_timeout=0.5)
    async with AvatarSession(LiveKitTransport(room.target, {}), options=options) as avatar:
        yield avatar


async def test_nothing_is_sent_until_it_is_read(room: ServerMediaPeer) -> None:
    await room.publish("audio")
    await room.publish("video")
    async with opened(room) as avatar:
        await until(lambda: len(avatar.tracks) == 2, "both tracks")
        await asyncio.sleep(0.5)
        assert room.ever_subscribed == set()
        async with avatar.audio_frames(16_000) as heard:
            await anext(heard)
            await until(lambda: room.ever_subscribed == {"audio"}, "the audio track asked for")
        media = avatar._conversation.driver.transport.media
        assert isinstance(media._audio._subscribed, bool)  # type: ignore[union-attr]
        await until(lambda: not media._audio._subscribed, "the end of it")  # type: ignore[union-attr]


async def test_a_reader_comes_back_after_a_pause(room: ServerMediaPeer) -> None:
    await room.publish("video")
    async with opened(room) as avatar, avatar.events(FirstVideo) as events:
        reader = avatar.video_frames()
        for pause in (0.0, 0.1, 1.2, 4.0):
            await asyncio.sleep(pause)
            asked = avatar._conversation.media.clock.now()
            async with asyncio.timeout(TIMEOUT):
                frames = [await anext(reader) for _ in range(3)]
            if pause > 3:
                assert frames[0].timestamp >= asked - 0.5
        assert 0 < (await anext(events)).seconds < TIMEOUT
        await reader.aclose()


async def test_readers_end_when_the_room_is_lost(room: ServerMediaPeer) -> None:
    await room.publish("audio")
    async with opened(room) as avatar:
        heard = avatar.audio_frames()
        await anext(heard)
        await room.fault("remove")
        async with asyncio.timeout(TIMEOUT):
            rest = [frame async for frame in heard]
        assert avatar.closed
        assert len(rest) < 200


async def test_is_heard_interrupted_and_heard_again(room: ServerMediaPeer) -> None:
    tone = (np.sin(np.arange(48_000) * 2 * np.pi * 500 / 24_000) * 11_000).astype(np.int16)
    async with opened(room) as avatar, avatar.microphone() as microphone:
        playing = asyncio.create_task(microphone.play(np.tile(tone, 10)))
        await until(lambda: room.loudness() > LOUD, "the avatar hears it")
        assert microphone.clear() > 0
        await playing
        await until(lambda: room.loudness() < LOUD, "silence")
        await microphone.play(tone[:24_000])
        assert microphone.queued < 0.05


async def test_a_room_joined_again_has_both_ways(room: ServerMediaPeer) -> None:
    await room.publish("audio")
    async with opened(room) as avatar, avatar.microphone() as microphone:
        loud = []

        async def listen() -> None:
            async for frame in avatar.audio_frames():
                loud.extend([True] if rms(frame.pcm) > LOUD else [])

        listening = asyncio.create_task(listen())
        await until(lambda: any(loud), "sound")
        await avatar._conversation.driver.transport.reconnect(timeout=TIMEOUT)
        loud.clear()
        await until(lambda: any(loud), "sound in the room joined again")
        tone = (np.sin(np.arange(24_000) / 8) * 11_000).astype(np.int16)
        playing = asyncio.create_task(microphone.play(np.tile(tone, 30)))
        await until(lambda: room.loudness() > LOUD, "the avatar hears it in the new room")
        microphone.clear()
        await playing
    await listening


async def test_a_smaller_size_is_asked_for_where_there_are_several(room: ServerMediaPeer) -> None:
    assert isinstance(room.room, rtc.Room)
    publisher = Publisher(room.room, 1280, 720, 100, fps=20)
    room._publishers.append(publisher)
    await publisher.publish("video", simulcast=True)
    async with opened(room) as avatar:
        await until(lambda: bool(avatar.tracks), "the track")
        media = avatar._conversation.driver.transport.media
        seen: set[int] = set()
        async with avatar.video_frames(max_height=180) as frames:
            stream = media._video._streams[0]  # type: ignore[union-attr]
            original = stream.sink.picture
            stream.sink.picture = lambda picture: (seen.add(picture.height), original(picture))
            async with asyncio.timeout(TIMEOUT):
                async for frame in frames:
                    assert frame.height <= 180
                    if 180 in seen:
                        break
