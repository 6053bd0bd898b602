"""Speech by a published audio track, in a room inside the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fake_avatar import FakeAvatar

from akool_async.conversation import AvatarSession, SessionInfo
from akool_async.testing.in_memory_media import InMemoryMedia
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.testing.waiting import until

RATE = 16_000


def audio(seconds: float) -> bytes:
    return bytes(range(256)) * round(seconds * RATE / 128)


@pytest_asyncio.fixture
async def room() -> InMemoryRoom:
    room = InMemoryRoom()
    FakeAvatar(room)
    room.media = InMemoryMedia()
    return room


@pytest_asyncio.fixture
async def avatar(room: InMemoryRoom) -> AsyncIterator[AvatarSession]:
    info = SessionInfo(scene_mode="meeting")
    async with AvatarSession(room.transport, info=info) as avatar:
        yield avatar


async def test_it_is_published_once_and_played_at_its_pace(
    room: InMemoryRoom, avatar: AvatarSession
) -> None:
    assert isinstance(room.media, InMemoryMedia)
    began = asyncio.get_running_loop().time()
    results = [await avatar.play_audio(audio(0.2), RATE) for _ in range(2)]
    assert asyncio.get_running_loop().time() - began > 0.35
    assert [result.interrupted for result in results] == [False, False]
    assert results[0].seconds == pytest.approx(0.2)
    [microphone] = room.media.microphones
    assert bytes(microphone.pcm) == audio(0.2) * 2
    assert not microphone.closed


async def test_another_form_is_another_track(room: InMemoryRoom, avatar: AvatarSession) -> None:
    assert isinstance(room.media, InMemoryMedia)
    await avatar.play_audio(audio(0.1), RATE)
    await avatar.play_audio(audio(0.1), RATE, channels=2)
    assert [m.request.channels for m in room.media.microphones] == [1, 2]
    assert [m.closed for m in room.media.microphones] == [True, False]
    await avatar.aclose()
    assert room.media.microphones[1].closed


async def test_cancelling_drops_what_was_not_played(
    room: InMemoryRoom, avatar: AvatarSession
) -> None:
    assert isinstance(room.media, InMemoryMedia)
    playback = avatar.play_audio(audio(30.0), RATE)
    await until(lambda: playback.seconds_written >= 0.3)
    result = await playback.cancel()
    assert result.interrupted
    assert 0.0 < result.seconds < 20.0
    assert room.media.microphones[0].cleared > 0
    assert not (await avatar.play_audio(audio(0.1), RATE)).interrupted
