"""A program's own voice goes on over many sessions: what is being played, and what waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from fake_avatar import FakeAvatar

from akool_async import AvatarSession, ConversationOptions, SessionInfo, SessionRenewed
from akool_async.conversation.renewal import NextSessions
from akool_async.conversation.standby import Connection
from akool_async.errors import BusyError
from akool_async.media.playback import PlaybackResult
from akool_async.testing.in_memory_media import InMemoryMedia
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.testing.waiting import until

RATE = 8_000


def sound(level: int, seconds: int) -> bytes:
    """Samples of one height."""
    return level.to_bytes(2, "little") * RATE * seconds


class Rooms:
    """Sessions of ten minutes, so many at once; each in a room that takes a microphone."""

    def __init__(self, together: int) -> None:
        self.together = together
        self.open = 0
        self.media: list[InMemoryMedia] = []

    def connection(self) -> Connection:
        room = InMemoryRoom()
        FakeAvatar(room)
        room.media = media = InMemoryMedia()
        self.media.append(media)
        self.open += 1
        info = SessionInfo(
            session_id=f"session {len(self.media)}",
            duration=600,
            created=asyncio.get_running_loop().time(),
            transport="memory",
            scene_mode="meeting",
        )

        async def close() -> None:
            self.open -= 1

        return Connection(room.transport, info, close)

    async def opens(self) -> Connection:
        if self.open >= self.together:
            raise BusyError(1237, "the avatar is in use")
        return self.connection()

    def session(self) -> AvatarSession:
        first = self.connection()
        return AvatarSession(
            first.transport,
            info=first.info,
            options=ConversationOptions(command_resend=0.2),
            renew=NextSessions(first, self.opens),
        )

    @property
    def played(self) -> list[bytes]:
        """What was played in each room."""
        return [b"".join(bytes(one.pcm) for one in media.microphones) for media in self.media]


@pytest.mark.parametrize("together", [2, 1], ids=["two at once", "one at a time"])
async def test_what_is_played_ends_and_what_is_behind_it_waits_for_the_next_avatar(
    together: int,
) -> None:
    rooms = Rooms(together)
    async with rooms.session() as avatar:
        renewed = avatar.events(SessionRenewed)
        await asyncio.sleep(535)
        long = avatar.play_audio(sound(7, 40), RATE)
        behind = [avatar.play_audio(sound(level, 2), RATE) for level in (8, 9)]
        assert (await anext(renewed)).quiet
        assert await long == PlaybackResult(40.0, interrupted=False)
        for playback in behind:
            assert await playback == PlaybackResult(2.0, interrupted=False)
        assert rooms.played == [sound(7, 40), sound(8, 2) + sound(9, 2)]
        first, second = (media.microphones for media in rooms.media)
        assert [writer.closed for writer in (*first, *second)] == [True, False]
    assert rooms.open == 0


@pytest.mark.parametrize("together", [2, 1], ids=["two at once", "one at a time"])
async def test_what_is_still_played_at_the_last_moment_is_cut_off(
    together: int, caplog: pytest.LogCaptureFixture
) -> None:
    rooms = Rooms(together)
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield sound(7, 1)
        finally:
            closed.set()

    async with rooms.session() as avatar:
        renewed = avatar.events(SessionRenewed)
        await asyncio.sleep(535)
        playback = avatar.play_audio(endless(), RATE)
        behind = avatar.play_audio(sound(8, 2), RATE)
        assert not (await anext(renewed)).quiet
        result = await playback
        assert result.interrupted
        assert result.seconds == pytest.approx(45.0, abs=0.5)
        assert playback.state == "cancelled"
        assert closed.is_set()
        assert await behind == PlaybackResult(2.0, interrupted=False)
        assert rooms.played[1] == sound(8, 2)
    assert rooms.open == 0
    assert "audio was cut off" in caplog.text


async def test_an_iterable_that_has_given_nothing_yet_is_no_speech() -> None:
    rooms = Rooms(2)
    generated = asyncio.Event()

    async def voice() -> AsyncIterator[bytes]:
        await generated.wait()
        yield sound(7, 1)

    async with rooms.session() as avatar:
        renewed = avatar.events(SessionRenewed)
        await asyncio.sleep(535)
        playback = avatar.play_audio(voice(), RATE)
        await until(lambda: playback.state == "playing")
        assert (await anext(renewed)).quiet
        generated.set()
        assert await playback == PlaybackResult(1.0, interrupted=False)
        assert rooms.played == [b"", sound(7, 1)]
