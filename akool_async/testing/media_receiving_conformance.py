"""The half of the conformance suite of media that is about what a program receives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest

from akool_async.errors import NotSupportedError
from akool_async.media import (
    AudioRequest,
    MediaKind,
    MediaTransport,
    PixelFormat,
    VideoRequest,
)
from akool_async.testing.media_peer import MediaPeer
from akool_async.testing.media_samples import NotingAudio, NotingVideo
from akool_async.testing.waiting import TIMEOUT, until
from akool_async.transport import Transport

__all__ = ["LOUD", "ReceivingConformance"]

#: Of full scale: a tone is louder, silence isn't.
LOUD = 0.03


class ReceivingConformance:
    """What a program gets to hear and to see; `MediaConformance` has the rest."""

    pytestmark = pytest.mark.asyncio

    #: The class under test, and `transport_options` to make it with.
    transport: ClassVar[type[Transport]]
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture
    def room(self) -> MediaPeer:
        """To be overridden: an open room."""
        raise NotImplementedError("override the fixture `room`")

    @asynccontextmanager
    async def joined(self, room: MediaPeer) -> AsyncIterator[MediaTransport]:
        """The media of a connected transport, which is closed whatever happens."""
        transport = self.transport(room.target, self.options)
        try:
            await transport.connect(timeout=TIMEOUT)
            media = transport.media
            assert media is not None
            assert transport.media is media
            yield media
        finally:
            await transport.close()

    async def test_what_it_cannot_do_it_refuses(self, room: MediaPeer) -> None:
        async with self.joined(room) as media:
            can = media.capabilities
            assert can.hear or can.see or can.speak or can.show
            refused = pytest.raises(NotSupportedError)
            if not can.hear:
                with refused:
                    media.hear(AudioRequest(), NotingAudio())
            if not can.see:
                with refused:
                    media.see(VideoRequest(), NotingVideo())
            if not can.speak:
                with refused:
                    await media.speak(AudioRequest(), queue_ms=200, timeout=TIMEOUT)
            if not can.show:
                with refused:
                    await media.show(320, 180, timeout=TIMEOUT)

    # Tracks

    async def test_tracks_are_reported_as_they_come_and_go(self, room: MediaPeer) -> None:
        async with self.joined(room) as media:
            changes: list[int] = []
            media.on_change = lambda: changes.append(len(media.tracks))
            await room.publish("audio")
            await until(lambda: _kinds(media) == {"audio"}, "the audio track")
            first = media.tracks[0].id
            await room.publish("video")
            await until(lambda: _kinds(media) == {"audio", "video"}, "both tracks")
            await room.unpublish("audio")
            await until(lambda: _kinds(media) == {"video"}, "the end of the audio track")
            await room.publish("audio")
            await until(lambda: _kinds(media) == {"audio", "video"}, "the audio track again")
            assert first not in {track.id for track in media.tracks}
            assert changes[-4:] == [1, 2, 1, 2]

    async def test_tracks_published_before_joining_are_known(self, room: MediaPeer) -> None:
        await room.publish("audio")
        async with self.joined(room) as media:
            await until(lambda: _kinds(media) == {"audio"}, "the audio track")

    async def test_a_stranger_has_no_tracks_here(self, room: MediaPeer) -> None:
        await room.publish("video")
        async with self.joined(room) as media:
            await until(lambda: _kinds(media) == {"video"}, "the video track")
            own = media.tracks
            await room.stranger_publishes("video")
            sink = NotingVideo()
            subscription = media.see(VideoRequest(), sink)
            await until(lambda: sink.pictures >= 10, "pictures")
            assert media.tracks == own
            assert abs(sink.luma - room.grey) < 20
            subscription.close()

    async def test_a_stranger_is_not_heard(self, room: MediaPeer) -> None:
        async with self.joined(room) as media:
            sink = NotingAudio()
            media.hear(AudioRequest(), sink)
            await room.stranger_publishes("audio")
            await room.publish("video")
            await until(lambda: _kinds(media) == {"video"}, "the video track")
            assert sink.size == 0
            await room.publish("audio")
            await until(lambda: sink.loudness > LOUD, "the avatar's sound")
            assert len(media.tracks) == 2

    async def test_muting_is_seen(self, room: MediaPeer) -> None:
        await room.publish("audio")
        async with self.joined(room) as media:
            await until(lambda: bool(media.tracks), "the track")
            sink = NotingAudio()
            media.hear(AudioRequest(), sink)
            await until(lambda: sink.loudness > LOUD, "sound")
            await room.mute("audio", True)
            await until(lambda: media.tracks[0].muted, "the track muted")
            await until(lambda: sink.loudness < LOUD, "silence")
            await room.mute("audio", False)
            await until(lambda: not media.tracks[0].muted, "the track not muted")
            await until(lambda: sink.loudness > LOUD, "sound again")

    # Hearing

    @pytest.mark.parametrize("form", [(48_000, 1, 20), (16_000, 2, 10), (24_000, 1, 60)], ids=str)
    async def test_audio_comes_in_the_form_asked_for(
        self, room: MediaPeer, form: tuple[int, int, int]
    ) -> None:
        request = AudioRequest(*form)
        await room.publish("audio")
        async with self.joined(room) as media:
            sink = NotingAudio()
            media.hear(request, sink)
            await until(lambda: sink.loudness > LOUD, "sound")
            ratios: list[float] = []
            # A wrong rate would be off by half, each time. Where the loop stood still for a moment,
            # what waited comes at once.
            while len(ratios) < 5 and not (ratios and 0.6 < ratios[-1] < 1.5):
                ratios.append(await _rate(sink, request) / request.sample_rate)
            assert 0.6 < ratios[-1] < 1.5, ratios
            assert all(piece % (2 * request.channels) == 0 for piece in sink.pieces)
            assert sink.starts == 1

    async def test_a_closed_subscription_is_silent_and_a_second_one_works(
        self, room: MediaPeer
    ) -> None:
        await room.publish("audio")
        async with self.joined(room) as media:
            for _ in range(3):
                sink = NotingAudio()
                subscription = media.hear(AudioRequest(), sink)
                await until(lambda sink=sink: sink.loudness > LOUD, "sound")  # type: ignore[misc]
                subscription.close()
                subscription.close()
                size = sink.size
                other = NotingAudio()
                media.hear(AudioRequest(), other).close()
                await asyncio.sleep(0.05)
                assert (sink.size, other.size) == (size, 0)

    async def test_several_forms_at_once(self, room: MediaPeer) -> None:
        await room.publish("audio")
        async with self.joined(room) as media:
            sinks = [NotingAudio() for _ in range(3)]
            for sink, rate in zip(sinks, (48_000, 16_000, 16_000), strict=True):
                media.hear(AudioRequest(rate), sink)
            await until(lambda: all(sink.loudness > LOUD for sink in sinks), "sound in all")

    async def test_asked_for_before_it_is_published(self, room: MediaPeer) -> None:
        async with self.joined(room) as media:
            audio, video = NotingAudio(), NotingVideo()
            media.hear(AudioRequest(), audio)
            media.see(VideoRequest(), video)
            await room.publish("audio")
            await room.publish("video")
            await until(lambda: audio.loudness > LOUD, "sound")
            await until(lambda: video.pictures > 2, "pictures")

    @pytest.mark.parametrize("kind", ["audio", "video"])
    async def test_published_again(self, room: MediaPeer, kind: MediaKind) -> None:
        await room.publish(kind)
        async with self.joined(room) as media:
            audio, video = NotingAudio(), NotingVideo()
            (
                media.hear(AudioRequest(), audio)
                if kind == "audio"
                else media.see(VideoRequest(), video)
            )
            sink = audio if kind == "audio" else video
            for streams in (1, 2, 3):
                await until(lambda n=streams: sink.starts >= n, f"stream {streams}")  # type: ignore[misc]
                before = (audio.size, video.pictures)
                audio.loudness = 0.0
                await until(
                    lambda b=before: audio.loudness > LOUD or video.pictures > b[1] + 3,  # type: ignore[misc]
                    f"sound or pictures of stream {streams}",
                )
                await room.unpublish(kind)
                await until(lambda: not media.tracks, "the end of the track")
                await room.publish(kind)

    @pytest.mark.parametrize("kind", ["audio", "video"])
    async def test_a_track_that_is_replaced(self, room: MediaPeer, kind: MediaKind) -> None:
        await room.publish(kind)
        async with self.joined(room) as media:
            audio, video = NotingAudio(), NotingVideo()
            media.hear(AudioRequest(), audio)
            media.see(VideoRequest(), video)
            await until(lambda: audio.loudness > LOUD or video.pictures > 3, "its media")
            (before,) = media.tracks
            await room.replace(kind)
            await until(lambda: [t.id for t in media.tracks] not in ([], [before.id]), "another")
            await until(lambda: len(media.tracks) == 1, "the end of the first one")
            sink = audio if kind == "audio" else video
            await until(lambda: sink.starts >= 2, "another stream")
            audio.loudness, video.pictures = 0.0, 0
            await until(lambda: audio.loudness > LOUD or video.pictures > 3, "its media")

    # Seeing

    async def test_another_codec(self, room: MediaPeer) -> None:
        await room.publish("video")
        async with self.joined(room) as media:
            sink = NotingVideo()
            media.see(VideoRequest(), sink)
            await until(lambda: sink.pictures > 3, "pictures")
            await room.change_codec()
            await until(lambda: sink.starts >= 2, "another stream")
            shown = sink.pictures
            await until(lambda: sink.pictures > shown + 3, "its pictures")
            assert abs(sink.luma - room.grey) < 20

    @pytest.mark.parametrize(("format_", "size"), [("i420", 1.5), ("rgb24", 3), ("rgba", 4)])
    async def test_video_comes_in_the_form_asked_for(
        self, room: MediaPeer, format_: PixelFormat, size: float
    ) -> None:
        await room.publish("video")
        async with self.joined(room) as media:
            sink = NotingVideo()
            media.see(VideoRequest(format_), sink)
            await until(lambda: (room.width, room.height) in sink.sizes, "a picture of full size")
            assert sink.last is not None
            assert len(sink.last.data) == sink.last.width * sink.last.height * size
            if format_ == "i420":
                assert abs(sink.luma - room.grey) < 20

    async def test_pictures_keep_their_order_and_size(self, room: MediaPeer) -> None:
        await room.publish("video")
        async with self.joined(room) as media:
            sink = NotingVideo()
            media.see(VideoRequest(), sink)
            await until(lambda: sink.pictures > 20, "pictures")
            await room.unpublish("video")
            await until(lambda: not media.tracks, "the end of the track")
            times = [at for at in sink.captured if at is not None]
            assert times == sorted(times)
            assert len(set(times)) == len(times)
            assert all(width > 8 for width, _ in sink.sizes)


async def _rate(sink: NotingAudio, request: AudioRequest) -> float:
    """Samples a second of each channel, over a third of a second or more."""
    loop = asyncio.get_running_loop()
    size, at = sink.size, loop.time()
    await until(lambda: sink.size > size + 32_000, "more sound")
    return (sink.size - size) / (loop.time() - at) / request.channels / 2


def _kinds(media: MediaTransport) -> set[str]:
    return {track.kind for track in media.tracks}
