"""Audio and video over the loopback engine; Agora's, the same, has the conformance suite."""

from __future__ import annotations

import asyncio

from akool_trtc import TRTCTransport
from simulated_media_peer import loopback_media_room

from akool_async.media import AudioRequest, MediaCapabilities, VideoRequest
from akool_async.testing.media_samples import NotingAudio, NotingVideo, tone
from akool_async.testing.waiting import TIMEOUT, until


async def test_the_avatar_is_heard_and_seen_and_hears() -> None:
    async with loopback_media_room("trtc") as room:
        transport = TRTCTransport(room.target, {"engine": "loopback"})
        await transport.connect(timeout=TIMEOUT)
        try:
            media = transport.media
            assert media is not None
            assert media.capabilities == MediaCapabilities(True, True, True, True)
            audio, video = NotingAudio(), NotingVideo()
            media.hear(AudioRequest(16_000), audio)
            media.see(VideoRequest(), video)
            await room.publish("audio")
            await room.publish("video")
            await until(lambda: audio.loudness > 0.03 and video.pictures > 2, "the avatar")
            assert abs(video.luma - room.grey) < 2
            writer = await media.speak(AudioRequest(24_000), queue_ms=200, timeout=TIMEOUT)
            talking = asyncio.create_task(writer.write(tone(500, 24_000, 24_000, 1)))
            await until(lambda: room.loudness() > 0.03, "the avatar hears it")
            await talking
        finally:
            await transport.close()
