"""The conformance suite of `akool_async.media.MediaTransport`, for every transport that has one.

    class TestMyMedia(MediaConformance):
        transport = MyTransport

        @pytest_asyncio.fixture
        async def room(self):
            async with MyMediaPeer() as room:
                yield room

Everything is awaited with generous limits (`TIMEOUT` seconds); nothing is timed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from akool_async.errors import DisconnectedError
from akool_async.media import (
    AudioRequest,
    AudioWriter,
    PixelFormat,
    VideoFrame,
    VideoRequest,
)
from akool_async.testing.media_peer import MediaPeer
from akool_async.testing.media_receiving_conformance import LOUD, ReceivingConformance
from akool_async.testing.media_samples import NotingAudio, NotingVideo, tone
from akool_async.testing.waiting import TIMEOUT, until

__all__ = ["LOUD", "MediaConformance", "MediaPeer"]

#: Of the tone that is spoken.
_HERTZ = 500


class MediaConformance(ReceivingConformance):
    """What every media transport does, as `MediaTransport` promises it."""

    # Speaking

    @pytest.mark.parametrize(("sample_rate", "channels"), [(24_000, 1), (48_000, 2), (16_000, 1)])
    async def test_what_is_spoken_is_heard(
        self, room: MediaPeer, sample_rate: int, channels: int
    ) -> None:
        request = AudioRequest(sample_rate, channels)
        async with self.joined(room) as media:
            writer = await media.speak(request, queue_ms=200, timeout=TIMEOUT)
            async with _talking(writer, request):
                await until(lambda: room.loudness() > LOUD, "the avatar hears it")
            await writer.wait_for_playout()
            await until(lambda: room.loudness() < LOUD, "silence")
            await writer.close()
            await writer.close()

    async def test_writing_keeps_the_pace_of_playing(self, room: MediaPeer) -> None:
        request = AudioRequest(24_000)
        async with self.joined(room) as media:
            writer = await media.speak(request, queue_ms=200, timeout=TIMEOUT)
            loop = asyncio.get_running_loop()
            at = loop.time()
            for _ in range(50):
                await writer.write(tone(_HERTZ, 480, 24_000, 1))
            assert loop.time() - at > 0.7
            assert writer.queued < 0.3
            await writer.wait_for_playout()
            assert loop.time() - at > 0.9
            assert writer.queued < 0.05

    async def test_pieces_of_any_size(self, room: MediaPeer) -> None:
        request = AudioRequest(16_000, 2)
        async with self.joined(room) as media:
            writer = await media.speak(request, queue_ms=200, timeout=TIMEOUT)
            heard = asyncio.create_task(until(lambda: room.loudness() > LOUD, "it is heard"))
            sound = tone(_HERTZ, 1600, 16_000, 2)
            while not heard.done():
                for samples in (1, 7, 441, 160, 1600):
                    await writer.write(sound[: 4 * samples])
            heard.result()
            await writer.wait_for_playout()
            assert writer.queued < 0.05

    async def test_clearing_drops_what_waits(self, room: MediaPeer) -> None:
        request = AudioRequest(24_000)
        async with self.joined(room) as media:
            writer = await media.speak(request, queue_ms=2_000, timeout=TIMEOUT)
            for _ in range(50):
                await writer.write(tone(_HERTZ, 480, 24_000, 1))
            queued = writer.queued
            assert queued > 0
            assert abs(writer.clear() - queued) < 0.2
            assert writer.queued == 0
            assert writer.clear() == 0
            await writer.wait_for_playout()

    async def test_a_muted_microphone_is_not_heard(self, room: MediaPeer) -> None:
        request = AudioRequest(24_000)
        async with self.joined(room) as media:
            writer = await media.speak(request, queue_ms=200, timeout=TIMEOUT)
            async with _talking(writer, request):
                await until(lambda: room.loudness() > LOUD, "the avatar hears it")
                writer.mute(True)
                await until(lambda: room.loudness() < LOUD, "silence while muted")
                writer.mute(False)
                await until(lambda: room.loudness() > LOUD, "the avatar hears it again")

    async def test_after_its_end_a_microphone_says_so(self, room: MediaPeer) -> None:
        async with self.joined(room) as media:
            writer = await media.speak(AudioRequest(), queue_ms=200, timeout=TIMEOUT)
            await writer.close()
            with pytest.raises(DisconnectedError):
                await writer.write(bytes(1920))
            assert writer.queued == 0
            other = await media.speak(AudioRequest(), queue_ms=200, timeout=TIMEOUT)
        with pytest.raises(DisconnectedError):
            await other.write(bytes(1920))
        assert other.clear() == 0
        await other.wait_for_playout()
        await other.close()

    @pytest.mark.parametrize("steps", [0, 1, 3, 10])
    async def test_publishing_that_is_cancelled_leaves_nothing(
        self, room: MediaPeer, steps: int
    ) -> None:
        request = AudioRequest(24_000)
        async with self.joined(room) as media:
            speaking = asyncio.create_task(media.speak(request, queue_ms=200, timeout=TIMEOUT))
            for _ in range(steps):
                await asyncio.sleep(0.002)
            speaking.cancel()
            await asyncio.wait({speaking})
            again = await media.speak(request, queue_ms=200, timeout=TIMEOUT)
            async with _talking(again, request):
                await until(lambda: room.loudness() > LOUD, "the avatar hears it")

    async def test_a_microphone_survives_a_broken_connection(self, room: MediaPeer) -> None:
        request = AudioRequest(24_000)
        async with self.joined(room) as media:
            writer = await media.speak(request, queue_ms=200, timeout=TIMEOUT)
            async with _talking(writer, request):
                await until(lambda: room.loudness() > LOUD, "the avatar hears it")
                await room.drop()
                await asyncio.sleep(0.5)
                await until(lambda: room.loudness() > LOUD, "the avatar hears it again")

    # Showing

    @pytest.mark.parametrize("format_", ["i420", "rgb24", "rgba"])
    async def test_what_is_shown_is_seen(self, room: MediaPeer, format_: PixelFormat) -> None:
        size = {"i420": 320 * 180 * 3 // 2, "rgb24": 320 * 180 * 3, "rgba": 320 * 180 * 4}[format_]
        frame = VideoFrame(bytes([128]) * size, 320, 180, format_)
        async with self.joined(room) as media:
            if not media.capabilities.show:
                pytest.skip("it sends no video")
            writer = await media.show(320, 180, timeout=TIMEOUT)

            def seen() -> bool:
                writer.write(frame)
                luma = room.luma()
                return luma is not None and abs(luma - 128) < 30

            await until(seen, "the avatar sees it")
            writer.mute(True)
            writer.mute(False)
            await writer.close()
            with pytest.raises(DisconnectedError):
                writer.write(frame)

    # The room

    async def test_the_avatar_leaves_and_returns(self, room: MediaPeer) -> None:
        await room.publish("audio")
        async with self.joined(room) as media:
            sink = NotingAudio()
            media.hear(AudioRequest(), sink)
            await until(lambda: sink.loudness > LOUD, "sound")
            await room.avatar_leaves()
            await until(lambda: not media.tracks, "no tracks")
            sink.loudness = 0.0
            await room.avatar_returns()
            await until(lambda: sink.loudness > LOUD, "sound again")
            assert sink.starts >= 2

    async def test_a_broken_connection(self, room: MediaPeer) -> None:
        await room.publish("video")
        async with self.joined(room) as media:
            sink = NotingVideo()
            media.see(VideoRequest(), sink)
            await until(lambda: sink.pictures > 3, "pictures")
            await room.drop()
            count = sink.pictures
            await until(lambda: sink.pictures > count + 30, "pictures after it")

    async def test_the_end_ends_everything(self, room: MediaPeer) -> None:
        await room.publish("audio")
        before = asyncio.all_tasks()
        async with self.joined(room) as media:
            sink = NotingAudio()
            subscription = media.hear(AudioRequest(), sink)
            await until(lambda: sink.loudness > LOUD, "sound")
        size = sink.size
        subscription.close()
        media.hear(AudioRequest(), sink).close()
        await until(
            lambda: (
                not {task for task in asyncio.all_tasks() - before if "stream" in task.get_name()}
            ),
            "the end of its tasks",
        )
        assert sink.size == size


@asynccontextmanager
async def _talking(writer: AudioWriter, request: AudioRequest) -> AsyncIterator[None]:
    """Speaks a tone all the while."""

    async def speak() -> None:
        piece = tone(_HERTZ, request.sample_rate // 50, request.sample_rate, request.channels)
        while True:
            await writer.write(piece)

    task = asyncio.create_task(speak())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()
