"""The program's own voice through the avatar, by data streams over a real livekit-server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from livekit import rtc
from meeting_room import RATE, Listener, MeetingRooms, tone

from akool_async import (
    NotSupportedError,
    PlaybackTimeoutError,
    SendError,
)
from akool_async.simulator import Simulator
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.testing.conformance import TIMEOUT, until

pytestmark = pytest.mark.livekit_server


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as sim:
        yield sim
        assert sim.errors == []


@pytest_asyncio.fixture
async def meeting(sim: Simulator, server: LiveKitServer) -> AsyncIterator[Callable[..., Any]]:
    """`await meeting()`: a session that takes data streams, and the avatar's player."""
    async with MeetingRooms(sim, server) as rooms:
        yield rooms.enter


async def test_speech_is_played_and_reported(meeting: Callable[..., Any]) -> None:
    avatar, player, _ = await meeting()
    result = await avatar.play_audio(tone(1.0))
    assert not result.interrupted
    assert result.seconds == pytest.approx(1.0, abs=0.06)
    [segment] = player.segments
    assert (segment.sample_rate, segment.channels) == (RATE, 1)
    assert segment.received == 2 * RATE
    assert segment.ended_by == "end"


async def test_others_hear_it_and_see_the_lips_move(
    meeting: Callable[..., Any], server: LiveKitServer
) -> None:
    avatar, _, room = await meeting()
    async with Listener(server, room) as ear:
        await until(lambda: len(ear.mouths) > 2 and len(ear.heard) > 2)
        assert not ear.loud
        closed = max(ear.mouths)
        playback = avatar.play_audio(tone(2.0))
        await until(lambda: ear.loud)
        await until(lambda: max(ear.mouths) > closed + 6)
        await playback
        await until(lambda: not ear.loud)
        assert ear.attributes == {"lk.publish_on_behalf": room.bot_identity}
        assert ear.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


async def test_audio_goes_out_while_it_is_generated(meeting: Callable[..., Any]) -> None:
    avatar, player, _ = await meeting()
    more = asyncio.Event()

    async def voice() -> AsyncIterator[bytes]:
        data = tone(0.5)
        yield data[:1001]  # in the middle of a sample
        yield data[1001:]
        await more.wait()
        yield tone(0.3)

    playback = avatar.play_audio(voice())
    await until(lambda: bool(player.segments) and player.segments[0].played > 0.1)
    more.set()
    result = await playback
    assert not result.interrupted
    assert player.segments[0].received == 2 * RATE * 8 // 10


async def test_cancel_stops_the_avatar_and_the_queue_goes_on(
    meeting: Callable[..., Any], server: LiveKitServer
) -> None:
    avatar, player, room = await meeting()
    async with Listener(server, room) as ear:
        first = avatar.play_audio(tone(8.0))
        second = avatar.play_audio(tone(0.4, rate=16_000), sample_rate=16_000)
        await until(lambda: ear.loud)
        result = await first.cancel()
        assert result.interrupted
        assert 0.0 < result.seconds < 4.0
        assert not (await second).interrupted
    assert [s.ended_by for s in player.segments] == ["end", "end"]
    assert [s.cleared for s in player.segments] == [True, False]


async def test_interrupt_and_drop(meeting: Callable[..., Any]) -> None:
    avatar, player, _ = await meeting()
    first = avatar.play_audio(tone(8.0))
    waiting = avatar.play_audio(tone(1.0))
    await until(lambda: bool(player.segments) and player.segments[0].played > 0)
    dropped = avatar.play_audio(tone(1.0), drop=True)
    assert dropped.state == "dropped"
    urgent = avatar.play_audio(tone(0.3), interrupt=True)
    assert (await first).interrupted
    assert (await waiting) == (await dropped)
    assert not (await urgent).interrupted
    assert len(player.segments) == 2
    last = avatar.play_audio(tone(8.0))
    await until(lambda: len(player.segments) == 3 and player.segments[2].played > 0)
    await avatar.interrupt()
    assert (await last).interrupted


async def test_a_report_that_never_comes(meeting: Callable[..., Any]) -> None:
    avatar, player, _ = await meeting(playback_margin=1.5)
    player.reports = False
    with pytest.raises(PlaybackTimeoutError) as caught:
        await avatar.play_audio(tone(0.3))
    assert caught.value.seconds == pytest.approx(0.3)
    player.reports = True
    assert not (await avatar.play_audio(tone(0.3))).interrupted


async def test_a_late_report_is_not_taken_for_the_next_one(meeting: Callable[..., Any]) -> None:
    avatar, player, _ = await meeting(playback_margin=1.5)
    report, hold = player.on_finished, asyncio.Event()

    async def late(segment: object) -> None:
        await hold.wait()
        await report(segment)  # type: ignore[arg-type]

    player.on_finished = late
    with pytest.raises(PlaybackTimeoutError):
        await avatar.play_audio(tone(0.2))
    playback = avatar.play_audio(tone(2.0))
    await until(lambda: len(player.segments) == 2 and player.segments[1].played > 0)
    hold.set()
    assert (await playback).seconds == pytest.approx(2.0, abs=0.06)


async def test_a_refused_clear(meeting: Callable[..., Any]) -> None:
    avatar, player, _ = await meeting()
    player.refuses_clear = True
    playback = avatar.play_audio(tone(1.5))
    await until(lambda: bool(player.segments) and player.segments[0].played > 0)
    with pytest.raises(SendError, match=r"lk\.clear_buffer was answered with 1500"):
        await playback.cancel()
    player.refuses_clear = False
    assert not (await avatar.play_audio(tone(0.3))).interrupted


async def test_a_lost_end_mark_is_made_up_for_by_the_next_segment(
    meeting: Callable[..., Any],
) -> None:
    avatar, player, _ = await meeting(playback_margin=1.5)
    player.loses_ends = True
    with pytest.raises(PlaybackTimeoutError):
        await avatar.play_audio(tone(0.2))
    player.loses_ends = False
    assert (await avatar.play_audio(tone(1.2))).seconds == pytest.approx(1.2, abs=0.06)
    assert [s.ended_by for s in player.segments] == ["header", "end"]


async def test_only_the_avatar_reports(meeting: Callable[..., Any], server: LiveKitServer) -> None:
    avatar, player, room = await meeting()
    async with Listener(server, room) as ear:
        playback = avatar.play_audio(tone(1.0))
        await until(lambda: bool(player.segments) and player.segments[0].played > 0)
        with pytest.raises(rtc.RpcError) as refused:
            await ear.room.local_participant.perform_rpc(
                destination_identity=str(room.bot_identity),
                method="lk.playback_finished",
                payload=json.dumps({"playback_position": 9.0, "interrupted": False}),
            )
        assert refused.value.code == rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD
        assert (await playback).seconds == pytest.approx(1.0, abs=0.06)


async def test_closing_ends_what_plays(sim: Simulator, meeting: Callable[..., Any]) -> None:
    avatar, player, _ = await meeting()
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield tone(0.1)
                await asyncio.sleep(0.05)
        finally:
            closed.set()

    playback = avatar.play_audio(endless())
    await until(lambda: bool(player.segments))
    await avatar.aclose()
    await asyncio.wait_for(closed.wait(), TIMEOUT)
    with pytest.raises(Exception, match="closed"):
        await playback
    assert sim.open_sessions == []


async def test_text_says_why_it_can_not_work(meeting: Callable[..., Any]) -> None:
    avatar, *_ = await meeting()
    for call in (lambda: avatar.say("Hello"), lambda: avatar.stream("Hello")):
        with pytest.raises(NotSupportedError, match="meeting"):
            call()
    with pytest.raises(NotSupportedError, match="meeting"):
        await avatar.ask("Hello")
