"""`akool_livekit.receiving`: when the room is asked, and which streams are read."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from akool_livekit.receiving import AudioReceiver, VideoReceiver
from livekit import rtc
from settling import settle

from akool_async.media import AudioRequest, VideoRequest
from akool_async.testing.media_samples import NotingAudio, NotingVideo

pytestmark = pytest.mark.virtual_clock


class Publication:
    """As much of `rtc.RemoteTrackPublication` as a receiver uses."""

    def __init__(self, sid: str = "TR_1", *, simulcasted: bool = False) -> None:
        self.sid = sid
        self.track = None
        self.muted = False
        self.simulcasted = simulcasted
        self.height = 720
        self.asked: list[bool] = []
        self.quality: int | None = None

    def set_subscribed(self, subscribed: bool) -> None:
        self.asked.append(subscribed)

    def set_video_quality(self, quality: int) -> None:
        self.quality = quality


class Stream:
    """A native stream: the test puts events into it."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        self.closed = False

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Any:
        return await self.events.get()

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def streams() -> list[tuple[Any, Stream]]:
    return []


@pytest.fixture
async def audio(streams, monkeypatch):
    receiver = AudioReceiver()
    yield played(receiver, streams, monkeypatch)
    await receiver.close()


@pytest.fixture
async def video(streams, monkeypatch):
    receiver = VideoReceiver()
    yield played(receiver, streams, monkeypatch)
    await receiver.close()


def played(receiver: Any, streams: list[tuple[Any, Stream]], monkeypatch: Any) -> Any:
    def native(request: Any, track: Any) -> Stream:
        streams.append((track, Stream()))
        return streams[-1][1]

    monkeypatch.setattr(receiver, "_native", native)
    return receiver


def track(sid: str = "TR_1") -> Any:
    return SimpleNamespace(sid=sid)


def sound(size: int = 4) -> Any:
    return SimpleNamespace(frame=SimpleNamespace(data=memoryview(bytes(size))))


def picture(width: int, height: int) -> Any:
    frame = rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, bytes(width * height * 3 // 2))
    return SimpleNamespace(frame=frame, timestamp_us=2_000_000, rotation=1)


async def test_the_room_is_asked_while_there_are_subscriptions(audio, streams) -> None:
    publication, sink = Publication(), NotingAudio()
    audio.follow(publication)
    assert publication.asked == []
    first, second = audio.open(AudioRequest(), sink), audio.open(AudioRequest(), NotingAudio())
    assert publication.asked == [True]
    audio.subscribed(track())
    await settle()
    assert len(streams) == 2
    streams[0][1].events.put_nowait(sound())
    await settle()
    assert (sink.starts, sink.size) == (1, 4)
    first.close()
    second.close()
    await settle()
    assert [stream.closed for _, stream in streams] == [True, True]
    await asyncio.sleep(0.9)
    assert publication.asked == [True]
    await asyncio.sleep(0.2)
    assert publication.asked == [True, False]


async def test_while_the_client_reconnects_it_is_not_asked(audio) -> None:
    audio.open(AudioRequest(), NotingAudio())
    audio.reach(False)
    publication = Publication()
    audio.follow(publication)
    await asyncio.sleep(1)
    assert publication.asked == []
    audio.reach(True)
    assert publication.asked == [True]
    audio.reach(False)
    audio.reach(True)
    assert publication.asked == [True]


async def test_one_that_comes_back_at_once_finds_the_subscription(audio, streams) -> None:
    publication = Publication()
    audio.follow(publication)
    audio.subscribed(track())
    audio.open(AudioRequest(), NotingAudio()).close()
    await asyncio.sleep(0.5)
    audio.open(AudioRequest(), NotingAudio())
    await asyncio.sleep(1)
    assert publication.asked == [True]
    assert len(streams) == 1


async def test_the_room_is_asked_again_after_a_second_on_the_first_track(audio, streams) -> None:
    publication, first = Publication(), track()
    audio.follow(publication)
    subscription = audio.open(AudioRequest(), NotingAudio())
    audio.subscribed(first)
    await settle()
    subscription.close()
    await asyncio.sleep(1.1)
    assert publication.asked == [True, False]
    audio.open(AudioRequest(), NotingAudio())
    assert publication.asked == [True, False]
    await asyncio.sleep(1.1)
    assert publication.asked == [True, False, True]
    assert [one for one, _ in streams] == [first, first]


async def test_another_track_object_takes_the_streams_place(audio, streams) -> None:
    audio.follow(Publication())
    sink = NotingAudio()
    audio.open(AudioRequest(), sink)
    for one in (track(), track()):
        audio.subscribed(one)
        await settle()
        assert streams[-1][0] is one
    audio.subscribed(track("TR_of_another"))
    await settle()
    assert len(streams) == 2
    assert streams[0][1].closed
    assert sink.starts == 2


async def test_a_subscription_that_brings_nothing_is_renewed_three_times(audio) -> None:
    publication = Publication()
    audio.follow(publication)
    audio.open(AudioRequest(), NotingAudio())
    audio.subscribed(track())
    await asyncio.sleep(60)
    assert publication.asked == [True, False, True, False, True, False, True]


async def test_one_that_brought_something_or_is_muted_is_not_renewed(audio, streams) -> None:
    publication = Publication()
    publication.muted = True
    audio.follow(publication)
    audio.open(AudioRequest(), NotingAudio())
    audio.subscribed(track())
    await asyncio.sleep(60)
    assert publication.asked == [True]
    publication.muted = False
    streams[0][1].events.put_nowait(sound())
    await asyncio.sleep(60)
    assert publication.asked == [True]


async def test_a_publication_that_another_replaces_is_given_up(audio) -> None:
    first, second = Publication(), Publication("TR_2")
    audio.follow(first)
    audio.open(AudioRequest(), NotingAudio())
    audio.follow(second)
    assert (first.asked, second.asked) == ([True, False], [True])
    audio.follow(None)
    assert second.asked == [True]


async def test_the_last_black_frame_is_no_picture(video, streams) -> None:
    video.follow(Publication())
    sink = NotingVideo()
    video.open(VideoRequest(), sink)
    video.subscribed(track())
    await settle()
    for size in ((64, 36), (32, 18), (8, 8)):
        streams[0][1].events.put_nowait(picture(*size))
    await settle()
    assert sink.sizes == {(64, 36), (32, 18)}
    assert sink.last is not None
    assert (sink.last.rotation, sink.last.captured) == (90, 2.0)


@pytest.mark.parametrize(
    ("height", "quality"),
    [
        (None, rtc.VideoQuality.VIDEO_QUALITY_HIGH),
        (361, rtc.VideoQuality.VIDEO_QUALITY_HIGH),
        (360, rtc.VideoQuality.VIDEO_QUALITY_MEDIUM),
        (180, rtc.VideoQuality.VIDEO_QUALITY_LOW),
    ],
)
async def test_the_size_that_fits_is_asked_for(video, height, quality) -> None:
    publication = Publication(simulcasted=True)
    video.follow(publication)
    video.open(VideoRequest(max_height=height), NotingVideo())
    assert publication.quality == quality


async def test_after_closing_nothing_is_asked_for(audio) -> None:
    publication = Publication()
    await audio.close()
    audio.open(AudioRequest(), NotingAudio()).close()
    audio.follow(publication)
    assert publication.asked == []
