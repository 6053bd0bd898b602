"""A stream of FLV, decoded in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from akool_chatroom.decoder import Decoder, Outputs
from flv_server import film

from akool_async.media import AudioRequest, Picture, TrackInfo, VideoRequest
from akool_async.testing.waiting import until


class Heard:
    """What a decoder gave."""

    def __init__(self) -> None:
        self.outputs = Outputs()
        self.tracks: tuple[TrackInfo, ...] = ()
        self.audio: list[tuple[AudioRequest, bytes]] = []
        self.video: list[tuple[VideoRequest, Picture]] = []
        self.dropped = 0

    def decoder(self) -> Decoder:
        def count(number: int) -> None:
            self.dropped += number

        def tracks(found: tuple[TrackInfo, ...]) -> None:
            self.tracks = found

        return Decoder(
            self.outputs,
            on_tracks=tracks,
            on_audio=lambda request, pcm: self.audio.append((request, pcm)),
            on_video=lambda request, picture: self.video.append((request, picture)),
            on_dropped=count,
        )


@contextlib.asynccontextmanager
async def fed(heard: Heard, *, burst: float = 0.0) -> AsyncIterator[Decoder]:
    """A decoder that is given the film at its pace, the first `burst` seconds at once."""
    header, tags = film()
    decoder = heard.decoder()

    async def feed() -> None:
        begin = asyncio.get_running_loop().time() - burst
        await decoder.put(header)
        for tag in tags:
            while tag.at / 1000 > asyncio.get_running_loop().time() - begin:
                await asyncio.sleep(0.005)
            await decoder.put(tag.packed(tag.at))

    feeding = asyncio.create_task(feed())
    try:
        yield decoder
    finally:
        feeding.cancel()
        await asyncio.wait([feeding])
        async with asyncio.timeout(20):
            await decoder.close()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Any:
    yield
    assert [one for one in threading.enumerate() if one.name == "akool-chatroom-video"] == []


async def test_frames_come_in_the_forms_that_are_wanted() -> None:
    heard = Heard()
    mono, stereo = AudioRequest(16_000), AudioRequest(48_000, 2)
    i420, rgb = VideoRequest(), VideoRequest("rgb24")
    heard.outputs.audio, heard.outputs.video = frozenset((mono, stereo)), frozenset((i420, rgb))
    async with fed(heard):
        await until(lambda: len(heard.video) >= 20 and len(heard.audio) >= 20, "frames came")
    assert [(track.kind, track.width, track.height) for track in heard.tracks] == [
        ("video", 64, 48),
        ("audio", 0, 0),
    ]
    sizes = {request: len(picture.data) for request, picture in heard.video}
    assert sizes == {i420: 64 * 48 * 3 // 2, rgb: 64 * 48 * 3}
    assert {request for request, _ in heard.audio} == {mono, stereo}
    lengths = [sum(len(pcm) for one, pcm in heard.audio if one == form) for form in (mono, stereo)]
    assert lengths[1] / lengths[0] == pytest.approx(6, rel=0.1)
    captured = [picture.captured for request, picture in heard.video if request == i420]
    assert captured == sorted(captured)


async def test_the_first_burst_is_decoded_and_not_given_out() -> None:
    heard = Heard()
    heard.outputs.video = frozenset((VideoRequest(),))
    async with fed(heard, burst=1.5):
        await until(lambda: heard.video, "pictures came")
    captured = heard.video[0][1].captured
    assert captured is not None
    assert captured >= 1.5


async def test_nothing_is_decoded_for_no_one() -> None:
    heard = Heard()
    async with fed(heard):
        await until(lambda: heard.tracks, "the stream was read")
    assert heard.audio == []
    assert heard.video == []


async def test_a_loop_that_is_too_slow_loses_frames_and_counts_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("akool_chatroom.decoder._WAITING", 0)
    heard = Heard()
    heard.outputs.video = frozenset((VideoRequest(),))
    async with fed(heard):
        await until(lambda: heard.dropped >= 5, "frames were dropped")
    assert heard.video == []


async def test_what_is_no_stream_ends_the_thread_and_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard = Heard()
    decoder = heard.decoder()
    await decoder.put(b"this is no film" * 10_000)
    await decoder.close()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "film" not in caplog.text


async def test_it_ends_while_it_waits_for_a_frame_s_time() -> None:
    heard = Heard()
    heard.outputs.video = frozenset((VideoRequest(),))
    async with fed(heard) as decoder:
        await until(lambda: heard.video, "pictures came")
        _, tags = film()
        await decoder.put(b"".join(tag.packed(tag.at + 2000) for tag in tags))  # ahead of time


async def test_it_ends_before_anything_came() -> None:
    await Heard().decoder().close()
