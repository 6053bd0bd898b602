"""Audio and video by the methods of a session; files of recordings are in tests/media/recording."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from recorded_room import stage

from akool_async.conversation import AvatarSession, ConversationOptions, SessionInfo
from akool_async.errors import (
    ConversationClosedError,
    InvalidParameterError,
    MediaTimeoutError,
    NotSupportedError,
)
from akool_async.events import FirstAudio, TrackPublished
from akool_async.media import VideoFrame
from akool_async.testing.in_memory_media import InMemoryMedia
from akool_async.testing.in_memory_room import InMemoryRoom

pytestmark = pytest.mark.virtual_clock

MEETING = SessionInfo(scene_mode="meeting")
SECOND = bytes(48_000)


@asynccontextmanager
async def opened(media: InMemoryMedia | None) -> AsyncIterator[tuple[AvatarSession, InMemoryRoom]]:
    room = InMemoryRoom()
    room.media = media
    options = ConversationOptions(opening_timeout=0.1, ready_timeout=0.1)
    async with AvatarSession(room.transport, options=options) as avatar:
        yield avatar, room


@pytest.fixture
def media():
    return InMemoryMedia()


async def test_hears_and_sees(media):
    media.publish("audio")
    async with opened(media) as (avatar, _):
        media.publish("video")
        assert [track.kind for track in avatar.tracks] == ["audio", "video"]
        async with avatar.audio_frames(16_000) as heard, avatar.video_frames("rgb24") as seen:
            media.play(0.02)
            media.picture(luma=9)
            frame = await anext(heard)
            assert (frame.sample_rate, frame.samples_per_channel) == (16_000, 320)
            assert (await anext(seen)).to_ndarray()[0, 0].tolist() == [9, 9, 9]
    assert avatar.tracks == ()


async def test_a_loop_over_frames_ends_with_the_conversation(media):
    media.publish("audio")
    async with opened(media) as (avatar, room):
        frames = []

        async def read() -> None:
            frames.extend([frame async for frame in avatar.audio_frames()])

        reading = asyncio.create_task(read())
        await asyncio.sleep(0.1)
        media.play(0.06)
        await asyncio.sleep(0.1)
        room.drop("room_closed")
        await reading
        assert len(frames) == 3


async def test_fewer_and_smaller_pictures(media):
    media.publish("video")
    async with (
        opened(media) as (avatar, _),
        avatar.video_frames(max_fps=5, max_height=18) as seen,
    ):
        for _ in range(25):
            media.picture(width=64, height=36)
            await asyncio.sleep(0.04)
        await seen.aclose()
        assert seen.dropped == 0
        async with avatar.video_frames(max_fps=5, max_height=18) as again:
            media.picture(width=64, height=36)
            assert (await anext(again)).height == 18


async def test_a_slow_reader_loses_the_oldest(media):
    media.publish("video")
    async with opened(media) as (avatar, _), avatar.video_frames(max_waiting=2) as seen:
        for luma in range(5):
            media.picture(luma=luma)
        assert seen.dropped == 3
        assert [(await anext(seen)).data[0] for _ in range(2)] == [3, 4]


async def test_events_come_in_their_order(media):
    async with opened(media) as (avatar, _), avatar.events(TrackPublished, FirstAudio) as events:
        media.publish("audio", name="voice")
        async with avatar.audio_frames() as heard:
            media.play(0.02)
            await anext(heard)
        assert (await anext(events)).name == "voice"
        assert isinstance(await anext(events), FirstAudio)


async def test_speaks_and_shows(media):
    async with opened(media) as (avatar, _):
        async with avatar.microphone() as microphone, avatar.camera(64, 36):
            await microphone.write(bytes(480))
            await microphone.wait_for_playout()
        assert len(media.microphones[0].pcm) == 480
        assert media.cameras[0].closed
        left_open = avatar.microphone()
        await left_open.write(bytes(480))
    with pytest.raises(ConversationClosedError):
        await left_open.write(bytes(480))


async def test_the_microphone_is_muted_while_the_avatar_speaks(media):
    async with (
        opened(media) as (avatar, room),
        avatar.microphone(mute_while_avatar_speaks=True) as microphone,
    ):
        for event, muted in (("audio_start", True), ("audio_end", False)):
            payload = f'{{"v":2,"type":"event","mid":"m","pld":{{"event":"{event}"}}}}'
            room.send(payload.encode())
            await asyncio.sleep(0.1)
            assert microphone.muted is muted


async def test_a_room_of_packets_has_no_media():
    async with opened(None) as (avatar, _):
        assert avatar.tracks == ()
        for use in (
            avatar.audio_frames,
            avatar.video_frames,
            avatar.microphone,
            lambda: avatar.camera(64, 36),
        ):
            with pytest.raises(NotSupportedError, match="in_memory transport carries no audio"):
                use()


@pytest.mark.parametrize(
    ("use", "field"),
    [
        (lambda a: a.audio_frames(7_000), "sample_rate"),
        (lambda a: a.audio_frames(16_000.5), "sample_rate"),
        (lambda a: a.audio_frames(channels=3), "channels"),
        (lambda a: a.audio_frames(frame_ms=5), "frame_ms"),
        (lambda a: a.audio_frames(max_waiting=0), "max_waiting"),
        (lambda a: a.video_frames("yuv"), "format"),
        (lambda a: a.video_frames(max_fps=0), "max_fps"),
        (lambda a: a.video_frames(max_height=1), "max_height"),
        (lambda a: a.microphone(1000), "sample_rate"),
        (lambda a: a.microphone(queue_ms=5), "queue_ms"),
        (lambda a: a.microphone(muted=1), "muted"),
        (lambda a: a.camera(641, 360), "width"),
        (lambda a: a.camera(640, 9), "height"),
    ],
)
async def test_wrong_values_are_refused(media, use, field):
    async with opened(media) as (avatar, _):
        with pytest.raises(InvalidParameterError) as raised:
            use(avatar)
        assert raised.value.field == field
        assert media.subscriptions == {}


async def hear(avatar: AvatarSession) -> None:
    async with avatar.audio_frames() as frames:
        async for _ in frames:
            await asyncio.sleep(0)


async def see(avatar: AvatarSession) -> None:
    async with avatar.video_frames() as frames:
        async for _ in frames:
            await asyncio.sleep(0)


async def speak(avatar: AvatarSession) -> None:
    async with avatar.microphone() as microphone:
        await microphone.play(b"\1\2" * 96_000)


async def show(avatar: AvatarSession) -> None:
    async with avatar.camera(64, 36) as camera:
        while True:
            await camera.write(VideoFrame(bytes(64 * 36 * 3 // 2), 64, 36))
            await asyncio.sleep(0)


@pytest.mark.parametrize("use", [hear, see, speak, show])
async def test_cancelled_at_each_await_it_leaves_nothing(
    media: InMemoryMedia, use: Callable[[AvatarSession], Awaitable[None]]
) -> None:
    media.publish("audio")
    media.publish("video")
    async with opened(media) as (avatar, _):
        before = asyncio.all_tasks()
        for steps in range(12):
            using = asyncio.ensure_future(use(avatar))
            for _ in range(steps):
                await asyncio.sleep(0)
                media.play(0.02)
                media.picture()
            using.cancel()
            await asyncio.wait({using})
            assert using.cancelled()
            assert media.subscriptions == {}
            assert all(track.closed for track in (*media.microphones, *media.cameras))
            assert asyncio.all_tasks() == before
        assert media.microphones or media.cameras or use in (hear, see)


async def test_an_avatar_without_video(media: InMemoryMedia) -> None:
    media.publish("audio")
    async with opened(media) as (avatar, room):
        seen = []

        async def read() -> None:
            seen.extend([frame async for frame in avatar.video_frames()])

        reading = asyncio.create_task(read())
        with pytest.raises(MediaTimeoutError, match="no picture came within 3 s"):
            await avatar.snapshot(timeout=3)
        async with avatar.audio_frames() as heard:
            media.play(0.02)
            assert (await anext(heard)).samples_per_channel == 960
        assert not reading.done()
        room.drop("room_closed")
        await reading
    assert seen == []


async def test_a_session_that_is_not_open(media):
    room = InMemoryRoom()
    room.media = media
    avatar = AvatarSession(room.transport)
    with pytest.raises(ConversationClosedError, match="isn't open yet"):
        avatar.audio_frames()
    assert avatar.tracks == ()
    await avatar.aclose()


async def test_without_a_meeting_there_is_no_audio(scene):
    async with scene() as s:
        with pytest.raises(NotSupportedError, match='scene_mode="meeting"; without it give text'):
            s.session.play_audio(SECOND)


async def test_a_room_without_a_way_for_audio_refuses_it(scene):
    async with scene(info=MEETING) as s:
        with pytest.raises(NotSupportedError, match="lets no audio"):
            s.session.play_audio(SECOND)


@pytest.mark.parametrize(
    "given",
    [
        {"sample_rate": 7_999},
        {"sample_rate": 48_001},
        {"channels": 3},
        {"interrupt": True, "drop": True},
    ],
)
async def test_wrong_audio_is_refused(scene, given):
    async with scene(info=MEETING) as s:
        with pytest.raises(InvalidParameterError):
            s.session.play_audio(SECOND, **given)


async def test_after_the_end_playing_says_that_the_conversation_is_over(scene):
    async with scene(info=MEETING) as s:
        pass
    with pytest.raises(ConversationClosedError):
        s.session.play_audio(SECOND)


async def test_a_meeting_says_no_text(scene):
    async with scene(info=MEETING) as s:
        with pytest.raises(NotSupportedError, match=r"no say\(\)"):
            s.session.say("Hello")
        with pytest.raises(NotSupportedError, match=r"no ask\(\)"):
            await s.session.ask("Hello")
        with pytest.raises(NotSupportedError, match=r"no respond_with\(\)"):
            s.session.respond_with(lambda turn: turn.text)


async def test_a_snapshot() -> None:
    async with stage() as one:
        picture = await one.avatar.snapshot()
        assert (picture.width, picture.height, picture.format) == (64, 48, "rgb24")
        assert picture.to_png().startswith(b"\x89PNG")
        assert one.kinds == []


async def test_no_snapshot_in_time() -> None:
    async with stage(publishing=False) as one:
        with pytest.raises(MediaTimeoutError, match=r"no picture came within 0.05 s"):
            await one.avatar.snapshot(timeout=0.05)
        with pytest.raises(InvalidParameterError, match=r"^timeout"):
            await one.avatar.snapshot(timeout=0)
        assert one.kinds == []


async def test_after_the_end_nothing_is_recorded(tmp_path: Path) -> None:
    async with stage() as one:
        pass
    with pytest.raises(ConversationClosedError):
        one.avatar.record(tmp_path / "call.webm")
    with pytest.raises(ConversationClosedError):
        await one.avatar.snapshot()
