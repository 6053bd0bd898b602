"""Both ends of LiveKit's contract for avatars: ours against the framework's own.

`AvatarRunner` is what LiveKit's avatar workers run, `DataStreamAudioOutput` what its agents do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from akool_livekit import JoinedRoomTransport
from livekit import api, rtc
from livekit.agents.voice.avatar import (
    AudioSegmentEnd,
    AvatarOptions,
    AvatarRunner,
    DataStreamAudioOutput,
    DataStreamAudioReceiver,
    VideoGenerator,
)
from livekit.agents.voice.io import PlaybackFinishedEvent
from real_livekit import server_from_environment
from scripted_agent import tone

import akool_async
from akool_async import AkoolClient, AvatarSession, ConversationOptions, OwnLiveKitRoom
from akool_async.simulator import Simulator
from akool_async.testing.waiting import until

RATE = 16_000
WIDTH = HEIGHT = 64


def token(identity: str, room: rtc.Room) -> str:
    """To join a room by a name."""
    server = server_from_environment()
    assert server is not None
    grants = api.VideoGrants(room_join=True, room=room.name)
    made = api.AccessToken(server.api_key, server.api_secret).with_identity(identity)
    return made.with_grants(grants).to_jwt()


class Face(VideoGenerator):
    """Of one colour; it plays what it is sent."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[rtc.AudioFrame | AudioSegmentEnd] = asyncio.Queue()
        self.heard = 0.0

    async def push_audio(self, frame: rtc.AudioFrame | AudioSegmentEnd) -> None:
        self.pieces.put_nowait(frame)

    def clear_buffer(self) -> None:
        while not self.pieces.empty():
            self.pieces.get_nowait()

    async def __aiter__(self) -> AsyncIterator[rtc.VideoFrame | rtc.AudioFrame | AudioSegmentEnd]:
        picture = bytes(WIDTH * HEIGHT * 3 // 2)
        while True:
            yield rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.I420, picture)
            piece = await self.pieces.get()
            yield piece
            if isinstance(piece, rtc.AudioFrame):
                self.heard += piece.duration


@asynccontextmanager
async def framework_avatar(agent: rtc.Room) -> AsyncIterator[tuple[AvatarSession, Face]]:
    """An avatar of LiveKit's own in the agent's room, and our session with it."""
    server = server_from_environment()
    assert server is not None
    url = server.url.replace("http", "ws", 1)
    face, room = Face(), rtc.Room()
    await room.connect(url, token("avatar", agent))
    runner = AvatarRunner(
        room,
        audio_recv=DataStreamAudioReceiver(room, sender_identity="agent"),
        video_gen=face,
        options=AvatarOptions(WIDTH, HEIGHT, 15, RATE, 1),
        _lazy_publish=True,
    )
    await runner.start()
    try:
        async with akool_async.join(
            {
                "livekit_url": url,
                "livekit_token": token("agent", agent),
                "livekit_room_name": agent.name,
                "livekit_server_identity": "avatar",
                "livekit_client_identity": "agent",
                "audio_only_from_data_stream": True,
            },
            transport=JoinedRoomTransport,
            transport_options={"room": agent},
            own_room=True,
            scene_mode="meeting",
            options=ConversationOptions(opening_timeout=0.1, ready_timeout=0.1),
        ) as session:
            yield session, face
    finally:
        await runner.aclose()
        await room.disconnect()


async def test_the_frameworks_avatar_plays_and_reports_our_speech(room: rtc.Room) -> None:
    async with framework_avatar(room) as (session, face):
        for seconds in (1.0, 0.5):
            result = await session.play_audio(tone(seconds, RATE), RATE)
            assert not result.interrupted
            assert result.seconds == pytest.approx(seconds, abs=0.06)
        assert face.heard == pytest.approx(1.5, abs=0.06)


async def test_the_frameworks_avatar_is_silenced_by_a_cancel(room: rtc.Room) -> None:
    async with framework_avatar(room) as (session, face):
        playback = session.play_audio(tone(20.0, RATE), RATE)
        await until(lambda: face.heard > 0.3)
        result = await playback.cancel()
        assert result.interrupted
        assert 0.3 <= result.seconds < 15.0
        assert not (await session.play_audio(tone(0.5, RATE), RATE)).interrupted


@pytest.mark.parametrize("started", [False, True])
async def test_the_frameworks_output_speaks_by_our_avatar(
    sim: Simulator, akool: AkoolClient, room: rtc.Room, started: bool
) -> None:
    own = OwnLiveKitRoom(
        name=room.name,
        avatar_identity="avatar",
        bot_identity="agent",
        audio_only_from_data_stream=True,
    )
    async with akool.open_session(
        "dvp_Tristan_cloth2_1080P",
        room=own,
        scene_mode="meeting",
        transport=JoinedRoomTransport,
        transport_options={"room": room},
    ) as session:
        output = DataStreamAudioOutput(
            room,
            destination_identity="avatar",
            sample_rate=RATE,
            wait_remote_track=rtc.TrackKind.KIND_VIDEO,
            wait_playback_start=started,
        )
        begun: list[Any] = []
        ended: list[PlaybackFinishedEvent] = []
        output.on("playback_started", begun.append)
        output.on("playback_finished", ended.append)
        await say(output, 0.6)
        await asyncio.wait_for(output.wait_for_playout(), 30)
        await say(output, 20.0)
        spoken = sim.meeting(str(session.info.session_id)).segments
        await until(lambda: len(spoken) == 2 and spoken[1].played > 0.3)
        output.clear_buffer()
        await asyncio.wait_for(output.wait_for_playout(), 30)
        assert [one.interrupted for one in ended] == [False, True]
        assert ended[0].playback_position == pytest.approx(0.6, abs=0.06)
        assert ended[1].playback_position == pytest.approx(spoken[1].played, abs=0.06)
        assert len(begun) == 2


async def say(output: DataStreamAudioOutput, seconds: float) -> None:
    """A segment, all at once."""
    pcm = tone(seconds, RATE)
    await output.capture_frame(rtc.AudioFrame(pcm, RATE, 1, len(pcm) // 2))
    output.flush()
