"""`simulator.controls`: what a test looks at and waits for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from akool_async import AkoolClient
from akool_async.media import VideoFrame
from akool_async.simulator import Media, SeenVideo, Simulator
from akool_async.testing.waiting import TIMEOUT

AVATAR = "dvp_Tristan_cloth2_1080P"


async def test_what_was_asked_and_said(start: Any) -> None:
    caller = await start(reply=str.upper)
    room = await caller.room(mode_type=2)
    room.chat("good ", idx=0, fin=False)
    room.chat("day 😀", idx=1)
    await room.ended()
    room.command("set-params", data={"mode": 1})
    room.chat("say this", "q2")
    await room.ended(2)
    session_id = room.request.session_id
    assert caller.sim.asked(session_id) == ["good day 😀", "say this"]
    assert caller.sim.said(session_id) == ["GOOD DAY 😀", "say this"]


async def test_interrupted_speech_is_said_as_far_as_it_came(start: Any, stopped_clock: Any) -> None:
    caller = await start(
        reply=lambda t: "one two three", pace=1, piece_words=1, clock=stopped_clock
    )
    room = await caller.room()
    room.chat("hi")
    await room.until(lambda: room.text() == "one ")
    await caller.sim.advance(1)
    await room.until(lambda: room.text() == "one two ")
    room.command("interrupt")
    await room.ended()
    assert caller.sim.said(room.request.session_id) == ["one "]


async def test_waiting_for_a_bot_that_opens_its_own_session() -> None:
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        spoken = asyncio.Event()

        async def bot() -> None:
            async with akool.open_session(AVATAR, stream_type="trtc") as avatar:
                await spoken.wait()
                await avatar.say("Goodbye").spoken()

        running = asyncio.create_task(bot())
        session = await sim.until_ready()
        assert session in sim.open_sessions
        assert await sim.until_ready(session.id) is session
        spoken.set()
        await running
        assert sim.said(session) == ["Goodbye"]


async def test_a_wait_says_what_is_missing(start: Any) -> None:
    caller = await start()
    sim = caller.sim
    with pytest.raises(TimeoutError, match="no session was opened"):
        await sim.until_ready(timeout=0.01)
    room = await caller.room()
    with pytest.raises(TimeoutError, match="no client joined"):
        await sim.until_ready(timeout=0.01)
    room.events.joined("me")
    with pytest.raises(TimeoutError, match="sent no command"):
        await sim.until_ready(room.request.session_id, timeout=0.01)
    room.command("set-params", data={})
    assert (await sim.until_ready()).id == room.request.session_id


@pytest.mark.slow
@pytest.mark.parametrize("stream_type", ["livekit", "agora", "trtc"])
async def test_what_a_camera_shows_is_seen(stream_type: str) -> None:
    grey = VideoFrame(bytes([150]) * (320 * 180 * 3 // 2), 320, 180)
    async with (
        Simulator(media=Media(width=320, height=180)) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, stream_type=stream_type, mode=1) as avatar,
    ):
        session = avatar.info.session_id
        assert session is not None
        assert sim.seen_video(session) == SeenVideo(0, None)
        async with avatar.camera(320, 180) as camera, asyncio.timeout(TIMEOUT):
            while sim.seen_video(session).pictures < 5:
                await camera.write(grey)
                await asyncio.sleep(0.05)
        seen = sim.seen_video(session)
        assert seen.last is not None
        assert (seen.last.width, seen.last.height, seen.last.format) == (320, 180, "i420")
        assert abs(seen.last.planes[0][180 * 160] - 150) < 10
        with pytest.raises(KeyError, match="nothing was seen of 'another'"):
            sim.seen_video(session, "another")
        # The text goes on as before.
        await avatar.say("It was seen.").spoken()
        assert sim.said(session) == ["It was seen."]
    assert sim.errors == []


async def test_a_room_of_text_sees_nothing(start: Any) -> None:
    caller = await start()
    room = await caller.room()
    with pytest.raises(RuntimeError, match="carries no media"):
        caller.sim.seen_video(room.request.session_id)
