"""`transport.engines.relay_media`: the member's end of streams."""

from __future__ import annotations

import asyncio

import pytest
from akool_agora import AgoraTransport
from akool_trtc import TRTCTransport
from loopback_peer import loopback_room
from simulated_media_peer import loopback_media_room

from akool_async.errors import DisconnectedError, NotSupportedError, SendError
from akool_async.media import AudioRequest, MediaCapabilities, VideoFrame, VideoRequest
from akool_async.testing.media_samples import NotingAudio, NotingVideo, tone
from akool_async.testing.waiting import TIMEOUT, until
from akool_async.transport.engines.relay_media import RelayMedia


async def test_a_simulator_without_media_has_none() -> None:
    async with loopback_room("agora") as far:
        transport = AgoraTransport(far.target, {"engine": "loopback"})
        media = transport.media
        assert media is not None
        assert media.capabilities == MediaCapabilities(True, True, True, True)
        await transport.connect(timeout=TIMEOUT)
        try:
            assert media.capabilities == MediaCapabilities()
            assert media.tracks == ()
            with pytest.raises(NotSupportedError):
                media.hear(AudioRequest(), NotingAudio())
        finally:
            await transport.close()


async def test_streams_go_on_after_the_room_is_joined_again() -> None:
    async with loopback_media_room("agora") as room:
        transport = AgoraTransport(room.target, {"engine": "loopback"})
        await transport.connect(timeout=TIMEOUT)
        try:
            media = transport.media
            assert media is not None
            audio, video = NotingAudio(), NotingVideo()
            media.hear(AudioRequest(), audio)
            media.see(VideoRequest(), video)
            writer = await media.speak(AudioRequest(16_000), queue_ms=200, timeout=TIMEOUT)
            await room.publish("audio")
            await room.publish("video")
            await until(lambda: audio.starts == video.starts == 1, "both streams")
            await transport.reconnect(timeout=TIMEOUT)
            await until(lambda: audio.starts >= 2 and video.starts >= 2, "both streams again")
            async with asyncio.timeout(TIMEOUT):
                await writer.write(tone(500, 16_000, 16_000, 1))
            await until(lambda: room.loudness() > 0.03, "the avatar hears it")
        finally:
            await transport.close()
        assert not [t for t in asyncio.all_tasks() if t.get_name().endswith(" stream")]


async def test_a_camera_goes_on_after_the_room_is_joined_again() -> None:
    async with loopback_media_room("trtc") as room:
        transport = TRTCTransport(room.target, {"engine": "loopback"})
        await transport.connect(timeout=TIMEOUT)
        try:
            media = transport.media
            assert media is not None
            with pytest.raises(NotSupportedError, match="3840x2160"):
                await media.show(3840, 2160, timeout=TIMEOUT)
            camera = await media.show(32, 16, timeout=TIMEOUT)
            sight = room.far.room.media.sight

            def seen(luma: int, more_than: int = 0) -> bool:
                camera.write(VideoFrame(bytes([luma]) * (32 * 16 * 3), 32, 16, "rgb24"))
                return sight.seen().pictures > more_than

            await until(lambda: seen(90), "the avatar sees it")
            camera.mute(True)
            camera.write(VideoFrame(bytes(32 * 16 * 3), 32, 16, "rgb24"))
            camera.mute(False)
            await transport.reconnect(timeout=TIMEOUT)
            before = sight.seen().pictures
            await until(lambda: seen(90, before), "the avatar sees it again")
            last = sight.seen().last
            assert last is not None
            assert (last.width, last.height, set(bytes(last.data))) == (32, 16, {90})
        finally:
            await transport.close()
        with pytest.raises(DisconnectedError):
            camera.write(last)


@pytest.mark.virtual_clock
async def test_an_engine_that_is_in_no_room_has_no_microphone() -> None:
    media = RelayMedia("http://127.0.0.1:1", lambda: None)
    with pytest.raises(SendError, match="didn't take our track within 3 s"):
        await media.speak(AudioRequest(), queue_ms=200, timeout=3)
    await media.close()
