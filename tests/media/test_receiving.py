"""Feeds: one subscription for all readers, another transport, frames of one size."""

from __future__ import annotations

import asyncio
import gc

import pytest

from akool_async.errors import NotSupportedError, SendError
from akool_async.media import AudioRequest, MediaCapabilities, MediaTransport, Picture, VideoRequest
from akool_async.media.clock import MediaClock
from akool_async.media.readers import FrameReader
from akool_async.media.receiving import AudioFeed, VideoFeed
from akool_async.testing.in_memory_media import InMemoryMedia

pytestmark = pytest.mark.virtual_clock


class Mute(MediaTransport):
    capabilities = MediaCapabilities()
    tracks = ()


@pytest.fixture
def media():
    media = InMemoryMedia()
    media.publish("audio")
    media.publish("video")
    return media


@pytest.fixture
async def clock():
    return MediaClock(asyncio.get_running_loop().time)


@pytest.fixture
def first():
    return []


@pytest.fixture
def audio(media, clock, first):
    feed = AudioFeed(AudioRequest(8000, 1, 20), clock, lambda _: first.append(1))
    feed.attach(media)
    return feed


@pytest.fixture
def video(media, clock, first):
    feed = VideoFeed(VideoRequest("rgb24"), clock, lambda _: first.append(1))
    feed.attach(media)
    return feed


async def test_readers_share_a_subscription_and_the_frames(media, audio):
    one, other = FrameReader(audio, limit=9), FrameReader(audio, limit=9)
    async with one, other:
        assert len(media.subscriptions) == 1
        media.play(0.02)
        assert await anext(one) is await anext(other)
    assert media.subscriptions == {}
    assert not audio.subscribed


async def test_a_reader_that_was_dropped_ends_the_subscription(media, audio):
    reader = FrameReader(audio, limit=9)
    await reader.__aenter__()
    del reader
    gc.collect()
    media.play(0.02)
    assert media.subscriptions == {}


@pytest.mark.parametrize("pieces", [[0.005] * 12, [0.06], [0.013, 0.027, 0.02], [0.02] * 3])
async def test_frames_have_one_size_whatever_comes(media, audio, pieces):
    async with FrameReader(audio, limit=99) as reader:
        for seconds in pieces:
            await asyncio.sleep(seconds)
            media.play(seconds)
        frames = [await anext(reader) for _ in range(3)]
    assert [one.samples_per_channel for one in frames] == [160] * 3
    assert frames[1].timestamp - frames[0].timestamp == pytest.approx(0.02)
    assert frames[2].timestamp - frames[1].timestamp == pytest.approx(0.02)


async def test_a_new_stream_begins_with_a_whole_frame(media, audio):
    async with FrameReader(audio, limit=99) as reader:
        media.play(0.03)
        media.unpublish("audio")
        media.publish("audio")
        await asyncio.sleep(1)
        media.play(0.02)
        before, after = await anext(reader), await anext(reader)
    assert after.timestamp - before.timestamp == pytest.approx(1, abs=0.05)


async def test_goes_on_with_another_transport(media, audio):
    other = InMemoryMedia()
    other.publish("audio")
    async with FrameReader(audio, limit=9) as reader:
        media.play(0.02)
        audio.attach(other)
        assert media.subscriptions == {}
        other.play(0.02)
        assert (await anext(reader)).timestamp <= (await anext(reader)).timestamp
        audio.attach(None)
        assert other.subscriptions == {}
        audio.attach(other)
        assert len(other.subscriptions) == 1


async def test_another_transport_that_can_not_ends_the_readers(audio):
    async with FrameReader(audio, limit=9) as reader:
        audio.attach(Mute())
        with pytest.raises(NotSupportedError):
            await anext(reader)


async def test_a_transport_that_can_not_refuses_the_first_read(clock):
    feed = AudioFeed(AudioRequest(), clock, lambda _: None)
    feed.attach(Mute())
    reader = FrameReader(feed, limit=9)
    for _ in range(2):
        with pytest.raises(NotSupportedError):
            await anext(reader)


async def test_a_failed_subscription_is_raised(media, audio):
    async with FrameReader(audio, limit=9) as reader:
        media.fail(SendError("unknown codec"))
        with pytest.raises(SendError, match="unknown codec"):
            await anext(reader)


async def test_the_end_ends_readers_of_later_too(media, audio):
    async with FrameReader(audio, limit=9) as reader:
        media.play(0.02)
        audio.end()
        assert len([frame async for frame in reader]) == 1
        assert [frame async for frame in FrameReader(audio, limit=9)] == []
    assert media.subscriptions == {}


async def test_pictures_with_their_times(media, video, first):
    async with FrameReader(video, limit=9) as reader:
        for n in range(3):
            media.picture(luma=50 + n, captured=1000 + n / 25)
            await asyncio.sleep(0.04)
        frames = [await anext(reader) for _ in range(3)]
    assert [frame.data[0] for frame in frames] == [50, 51, 52]
    assert frames[2].timestamp - frames[0].timestamp == pytest.approx(0.08, abs=0.001)
    assert (frames[0].format, frames[0].width, frames[0].height) == ("rgb24", 64, 36)
    assert first


async def test_pictures_may_change_their_size(media, video):
    async with FrameReader(video, limit=9) as reader:
        media.picture(width=64, height=36)
        media.picture(width=32, height=18)
        assert [(await anext(reader)).width for _ in range(2)] == [64, 32]


async def test_a_picture_may_be_turned(media, video):
    async with FrameReader(video, limit=9) as reader:
        video.picture(Picture(bytes(12), 2, 2, rotation=270))
        assert (await anext(reader)).rotation == 270
