"""The simulated avatar's face, voice and ears on a real livekit-server, by the real client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from media_listener import Listener, Session, media_session, speak, understood
from meeting_room import AVATAR, MeetingRooms, speak_and_break_off
from meeting_room import Listener as MeetingListener

from akool_async import AkoolClient
from akool_async.media import VideoFrame
from akool_async.simulator import Media, Simulator
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.testing.waiting import TIMEOUT

pytestmark = pytest.mark.livekit_server

TEXT = "Hi!"


@pytest_asyncio.fixture
async def sim(server: LiveKitServer) -> AsyncIterator[Simulator]:
    media = Media(width=320, height=180, voice="robot")
    async with Simulator(media=media, livekit=server) as sim:
        yield sim
    assert sim.errors == []


@pytest_asyncio.fixture
async def session(sim: Simulator) -> AsyncIterator[Session]:
    async with media_session(sim) as session:
        yield session


async def test_a_client_sees_and_hears_the_avatar(sim: Simulator, session: Session) -> None:
    async with Listener(session) as listener:
        await listener.until(lambda: listener.pictures > 2 and listener.samples, "the avatar")
        assert listener.size == (320, 180)
        shown = listener.pictures
        await understood(listener, TEXT)
        assert listener.events()[:2] == ["audio_start", "audio_end"]
        await listener.until(lambda: listener.pictures > shown, "another picture")


async def test_nothing_is_drawn_for_who_subscribes_to_nothing(
    sim: Simulator, session: Session
) -> None:
    media = sim.room(session.id).media
    assert media is not None
    async with Listener(session, subscribes=False) as listener:
        await listener.until(lambda: listener.room.remote_participants, "the avatar")
        await listener.until(lambda: len(listener.published()) == 2, "the tracks")
        assert not media.feed.sounds
        assert not media.feed.pictures


async def test_an_interrupt_silences_it(sim: Simulator, session: Session) -> None:
    async with Listener(session) as listener:
        await listener.until(lambda: listener.samples, "the sound")
        await listener.say("A very long text. " * 20)
        await listener.until(lambda: listener.first_loud, "the avatar's voice")
        await listener.command("interrupt")
        await listener.until(lambda: "audio_end" in listener.events(), "audio_end")
        await listener.silence()
        assert sim.avatar(session.id).said != ["A very long text. " * 20]
        await listener.say(TEXT, "m2")
        loud = listener.last_loud
        await listener.until(lambda: listener.last_loud > loud, "its voice again")


async def test_a_whole_voice_loop(sim: Simulator, session: Session) -> None:
    async with Listener(session) as listener:
        await listener.until(lambda: listener.samples, "the sound")
        await listener.command("set-params", mode=2)
        microphone = await listener.microphone(16_000)
        await speak(listener, microphone, "What now?")
        await listener.until(lambda: "audio_end" in listener.events(), "the answer")
        assert sim.said(session.id) == ["You said: What now?"]
        assert sim.heard_audio(session.id).duration > 0.5


async def test_it_is_muted_frozen_and_returns(sim: Simulator, session: Session) -> None:
    async with Listener(session) as listener:
        await listener.until(lambda: listener.pictures and listener.samples, "the avatar")
        await sim.fault(session.id, "mute", kind="video")
        await listener.until(lambda: listener.muted("video"), "the mute")
        with pytest.raises(ValueError, match="'text' is neither audio nor video"):
            await sim.fault(session.id, "mute", kind="text")
        await sim.fault(session.id, "freeze_video")
        media = sim.room(session.id).media
        assert media is not None
        assert media.feed.frozen
        await sim.fault(session.id, "freeze_video", on=False)
        await sim.fault(session.id, "avatar_leaves")
        await listener.until(lambda: not listener.room.remote_participants, "the leaving")
        shown = listener.pictures
        await sim.fault(session.id, "avatar_returns")
        await listener.until(lambda: listener.pictures > shown, "its picture")
        await listener.say(TEXT)
        await listener.until(lambda: listener.first_loud, "its voice")


@pytest.mark.parametrize("streams", [True, False])
async def test_a_meeting_is_spoken_by_its_mouth(
    sim: Simulator, server: LiveKitServer, streams: bool
) -> None:
    async with MeetingRooms(sim, server) as rooms:
        avatar, player, room = await rooms.enter(streams=streams)
        async with MeetingListener(server, room) as ear:
            await speak_and_break_off(avatar, ear, 1.0)
        assert player.segments[0].way == ("stream" if streams else "track")
        assert player.segments[0].played > 0


async def test_what_a_camera_shows_is_seen(sim: Simulator) -> None:
    grey = VideoFrame(bytes([150]) * (320 * 180 * 3 // 2), 320, 180)
    async with (
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, stream_type="livekit", mode=1) as avatar,
        avatar.camera(320, 180) as camera,
        asyncio.timeout(TIMEOUT),
    ):
        session = avatar.info.session_id
        assert session is not None
        while sim.seen_video(session).pictures < 5:
            await camera.write(grey)
            await asyncio.sleep(0.05)
        last = sim.seen_video(session).last
        assert last is not None
        assert (last.width, last.height) == (320, 180)
        assert abs(last.planes[0][180 * 160] - 150) < 10


async def test_a_meeting_speaks_microphones_though_the_avatar_does_not_listen(
    server: LiveKitServer,
) -> None:
    media = Media(width=320, height=180, listen=None)
    async with Simulator(media=media, livekit=server) as sim:
        async with MeetingRooms(sim, server) as rooms:
            avatar, player, room = await rooms.enter(streams=False)
            async with MeetingListener(server, room) as ear:
                await speak_and_break_off(avatar, ear, 1.0)
            assert player.segments[0].way == "track"
        assert sim.errors == []
