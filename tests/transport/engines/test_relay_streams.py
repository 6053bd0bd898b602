"""`transport.engines.relay_streams`: streams outlast their connections."""

from __future__ import annotations

import asyncio

import pytest
from akool_agora import AgoraTransport
from akool_trtc import TRTCTransport
from simulated_media_peer import loopback_media_room

from akool_async.errors import DisconnectedError
from akool_async.media import AudioRequest, VideoFrame, VideoRequest
from akool_async.testing.media_samples import NotingAudio, NotingVideo, tone
from akool_async.testing.waiting import TIMEOUT, until


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
