"""A film of an avatar in a room of a real livekit-server: its clock is kept."""

from __future__ import annotations

import asyncio
import itertools
import statistics
from pathlib import Path

import pytest
from akool_livekit import LiveKitTransport
from av_samples import picture, probe, sound
from livekit import rtc
from media_peer import ServerMediaPeer

from akool_async.conversation import AvatarSession, ConversationOptions
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.testing.waiting import until

pytestmark = pytest.mark.livekit_server

SIZE = (320, 240)


async def perform(room: rtc.Room) -> None:
    """Flashes and beeps at each whole second, in step."""
    audio, video = rtc.AudioSource(48_000, 1, queue_size_ms=60), rtc.VideoSource(*SIZE)
    await room.local_participant.publish_track(
        rtc.LocalAudioTrack.create_audio_track("voice", audio),
        rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE),
    )
    await room.local_participant.publish_track(
        rtc.LocalVideoTrack.create_video_track("face", video),
        rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False),
    )
    loop = asyncio.get_running_loop()
    begin = loop.time()

    async def speak() -> None:
        at = 0
        while True:
            while loop.time() < begin + at / 50:
                await asyncio.sleep(0.002)
            frame = sound(at / 50)
            await audio.capture_frame(rtc.AudioFrame(frame.pcm, 48_000, 1, 960))
            at += 1

    async def show() -> None:
        at = 0
        while True:
            while loop.time() < begin + at / 25:
                await asyncio.sleep(0.002)
            shown = picture(at / 25, width=SIZE[0], height=SIZE[1])
            frame = rtc.VideoFrame(*SIZE, rtc.VideoBufferType.I420, bytearray(shown.data))
            video.capture_frame(frame)
            at += 1

    await asyncio.gather(speak(), show())


@pytest.mark.parametrize("suffix", [".webm", ".mp4"])
async def test_the_clock_of_pictures_and_of_sound_is_kept(
    server: LiveKitServer, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"call{suffix}"
    async with ServerMediaPeer(server, f"film-{suffix[1:]}") as peer:
        avatar_room = peer.room
        performing = asyncio.create_task(perform(avatar_room))
        session = AvatarSession(
            LiveKitTransport(peer.target, {}), options=ConversationOptions(opening_timeout=0.1)
        )
        try:
            async with session as avatar, avatar.record(path) as recording:
                await until(lambda: recording.stats.seconds > 8, "8 s were recorded")
        finally:
            performing.cancel()
            await asyncio.wait([performing])
    found = probe(path)
    assert recording.stats.pictures_dropped == 0
    for marks in (found.flashes, found.beeps):
        apart = [later - before for before, later in itertools.pairwise(marks)]
        assert len(apart) >= 5
        assert statistics.median(apart) == pytest.approx(1.0, abs=0.1)
