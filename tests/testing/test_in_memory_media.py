"""Audio and video inside the process, at their pace."""

from __future__ import annotations

import asyncio

import pytest

from akool_async.errors import DisconnectedError
from akool_async.media import AudioRequest, VideoFrame
from akool_async.testing.in_memory_media import InMemoryMedia
from akool_async.testing.media_samples import NotingAudio, NotingVideo

pytestmark = pytest.mark.virtual_clock


async def test_only_what_is_published_is_heard_and_seen():
    media, sink = InMemoryMedia(), NotingAudio()
    media.hear(AudioRequest(8000), sink)
    media.play(0.02)
    assert sink.size == 0
    media.publish("audio")
    media.play(0.02)
    assert (sink.size, sink.starts) == (320, 1)
    media.mute("audio", True)
    media.play(0.02)
    assert (sink.size, sink.loudness) == (640, 0)


@pytest.mark.parametrize(("format_", "size"), [("i420", 6), ("rgb24", 12), ("rgba", 16)])
async def test_pictures_have_the_form_asked_for(format_, size):
    from akool_async.media import VideoRequest

    media, sink = InMemoryMedia(), NotingVideo()
    media.publish("video")
    subscription = media.see(VideoRequest(format_), sink)
    media.picture(width=2, height=2)
    assert sink.last is not None
    assert len(sink.last.data) == size
    media.fail(DisconnectedError("gone", reason="gone"))
    assert isinstance(sink.error, DisconnectedError)
    subscription.close()


async def test_what_is_spoken_takes_its_time_and_can_be_cleared():
    media = InMemoryMedia()
    writer = await media.speak(AudioRequest(8000), queue_ms=100, timeout=1)
    loop = asyncio.get_running_loop()
    at = loop.time()
    await writer.write(bytes(16_000))
    assert loop.time() - at == pytest.approx(0.9, abs=0.01)
    assert writer.clear() == pytest.approx(0.1, abs=0.01)
    await writer.wait_for_playout()
    await media.close()
    with pytest.raises(DisconnectedError):
        await writer.write(bytes(2))


async def test_a_camera_that_was_closed_takes_no_pictures():
    writer = await InMemoryMedia().show(2, 2, timeout=1)
    writer.write(VideoFrame(bytes(6), 2, 2))
    await writer.close()
    with pytest.raises(DisconnectedError):
        writer.write(VideoFrame(bytes(6), 2, 2))
