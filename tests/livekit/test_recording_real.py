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


async def film(server: LiveKitServer, path: Path) -> tuple[list[float], list[float], int]:
    """Seconds between flashes, between beeps, and the pictures that were dropped."""
    async with ServerMediaPeer(server, path.name) as peer:
        performing = asyncio.create_task(perform(peer.room))
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
    flashes, beeps = (
        [later - before for before, later in itertools.pairwise(marks)]
        for marks in (found.flashes, found.beeps)
    )
    return flashes, beeps, recording.stats.pictures_dropped


@pytest.mark.parametrize("suffix", [".webm", ".mp4"])
async def test_the_clock_of_pictures_and_of_sound_is_kept(
    server: LiveKitServer, tmp_path: Path, suffix: str
) -> None:
    """In one of three films: on a busy machine it is the performance that doesn't keep its clock,
    and the vendor's client plays faster what came late."""
    films = []
    for take in range(3):
        flashes, beeps, dropped = await film(server, tmp_path / f"take-{take}{suffix}")
        films.append((flashes, beeps, dropped))
        if dropped == 0 and all(
            len(apart) >= 5 and abs(statistics.median(apart) - 1.0) < 0.1
            for apart in (flashes, beeps)
        ):
            return
    pytest.fail(f"flashes, beeps and dropped pictures: {films}")
