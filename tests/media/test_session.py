"""Media of one conversation: tracks, first frames, another transport, the end."""

from __future__ import annotations

import asyncio

import pytest

from akool_async.conversation.meter import Meter
from akool_async.errors import ConversationClosedError, NotSupportedError
from akool_async.events import FirstAudio, FirstVideo, TrackPublished, TrackUnpublished
from akool_async.media import AudioRequest, MediaCapabilities, MediaTransport, VideoRequest
from akool_async.media.session import SessionMedia
from akool_async.testing.in_memory_media import InMemoryMedia

pytestmark = pytest.mark.virtual_clock


class Deaf(MediaTransport):
    capabilities = MediaCapabilities(see=True)
    tracks = ()


@pytest.fixture
def events():
    return []


@pytest.fixture
async def media(events):
    time = asyncio.get_running_loop().time
    media = SessionMedia(events.append, time, Meter(time, None))
    yield media
    media.end()
    await media.stop()


async def test_reports_tracks_and_what_another_transport_has(media, events):
    first, second = InMemoryMedia(), InMemoryMedia()
    first.publish("audio", name="voice")
    media.attach(first, "first")
    first.publish("video")
    first.unpublish("audio")
    second.publish("video")
    media.attach(second, "second")
    first.publish("audio")  # nobody asks for it any more
    second.unpublish("video")
    assert [(type(event), event.kind) for event in events] == [
        (TrackPublished, "audio"),
        (TrackPublished, "video"),
        (TrackUnpublished, "audio"),
        (TrackUnpublished, "video"),
        (TrackPublished, "video"),
        (TrackUnpublished, "video"),
    ]
    assert events[0].name == "voice"


async def test_reports_the_first_frames_once_with_their_time(media, events):
    room = InMemoryMedia()
    media.attach(room, "memory")
    room.publish("audio")
    room.publish("video")
    events.clear()
    async with (
        media.audio_reader(AudioRequest(), None) as heard,
        media.video_reader(VideoRequest(), None, None) as seen,
    ):
        await asyncio.sleep(1)
        room.play(0.02)
        await asyncio.sleep(0.5)
        room.picture()
        room.picture()
        room.play(0.02)
        assert (await anext(heard)).timestamp == pytest.approx(0.98, abs=0.01)
        assert (await anext(seen)).timestamp == pytest.approx(1.5, abs=0.01)
    assert [type(event) for event in events] == [FirstAudio, FirstVideo]
    assert events[0].seconds == pytest.approx(1, abs=0.01)
    assert events[1].seconds == pytest.approx(1.5, abs=0.01)


async def test_what_the_transport_can_not_is_refused(media):
    media.attach(None, "packets")
    with pytest.raises(NotSupportedError, match="the packets transport carries no audio or video"):
        media.audio_reader(AudioRequest(), None)
    media.attach(Deaf(), "deaf")
    with pytest.raises(NotSupportedError, match="the deaf transport can't hear in this room"):
        media.audio_reader(AudioRequest(), None)
    with pytest.raises(NotSupportedError, match="can't show in this room; the token may not"):
        media.camera(320, 180)
    assert media.tracks == ()


async def test_microphone_and_camera_go_on_with_another_transport(media):
    first, second = InMemoryMedia(), InMemoryMedia()
    media.attach(first, "first")
    microphone = media.microphone(
        AudioRequest(8000), queue_ms=200, muted=True, mute_while_avatar_speaks=False
    )
    camera = media.camera(320, 180)
    async with microphone, camera:
        camera.mute()
        media.attach(second, "second")
        await microphone.write(b"\1\0" * 800)
        assert first.microphones[0].closed
        assert first.cameras[0].closed
        assert bytes(second.microphones[0].pcm) == b"\1\0" * 800
        assert second.microphones[0].muted
        assert second.cameras[0].muted
    assert second.microphones[0].closed
    assert second.cameras[0].closed


async def test_another_transport_that_can_not_speak_ends_the_microphone(media):
    media.attach(InMemoryMedia(), "first")
    microphone = media.microphone(
        AudioRequest(8000), queue_ms=200, muted=False, mute_while_avatar_speaks=False
    )
    async with microphone:
        media.attach(Deaf(), "deaf")
        with pytest.raises(NotSupportedError, match="can't speak"):
            await microphone.write(b"\1\0" * 800)


async def test_the_end_ends_readers_and_microphones(media):
    room = InMemoryMedia()
    media.attach(room, "memory")
    reader = media.audio_reader(AudioRequest(), None)
    reading = asyncio.create_task(anext(reader))
    microphone = media.microphone(
        AudioRequest(8000), queue_ms=200, muted=False, mute_while_avatar_speaks=False
    )
    await microphone.open()
    writing = asyncio.create_task(microphone.write(b"\1\0" * 80_000))
    await asyncio.sleep(1)
    media.end()
    with pytest.raises(StopAsyncIteration):
        await reading
    with pytest.raises(ConversationClosedError):
        await writing
    assert room.on_change is None
    assert room.subscriptions == {}
    media.attach(InMemoryMedia(), "late")
    assert media.tracks == ()


async def test_subscriptions_are_spans_and_frames_that_are_not_read_are_counted(media):
    room = InMemoryMedia()
    media.attach(room, "memory")
    room.publish("audio")
    async with media.audio_reader(AudioRequest(), 2) as heard:
        room.play(0.1)
        assert heard.dropped == media.frames_dropped == 3
        await asyncio.sleep(0.5)
    timings = media.measures.timings()
    assert timings["media.subscription"].p50 == pytest.approx(0.5, abs=0.01)
    assert timings["media.first_frame"].count == 1


async def test_the_room_s_own_sound_says_when_a_question_is_answered(media):
    room = InMemoryMedia()
    media.attach(room, "memory")
    room.publish("audio")
    async with media.audio_reader(AudioRequest(), None):
        media.measures.sound.asked(asyncio.get_running_loop().time())
        room.mute("audio", True)
        room.play(0.02)
        await asyncio.sleep(0.3)
        room.mute("audio", False)
        room.play(0.02)
    heard = media.measures.timings()["question.first_heard"]
    assert heard.p50 == pytest.approx(0.3, abs=0.01)
