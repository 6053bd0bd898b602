"""The program's own voice by a published microphone, over a real livekit-server."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from meeting_room import AVATAR, Listener, MeetingRooms, play_in_a_row, reports_of, tone

from akool_async import AkoolClient
from akool_async.simulator import Simulator
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.testing.conformance import until

pytestmark = pytest.mark.livekit_server

TICK, LONG = tone(0.02), tone(5.0)


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as sim:
        yield sim
        assert sim.errors == []
        assert sim.open_sessions == []


@pytest_asyncio.fixture
async def rooms(sim: Simulator, server: LiveKitServer) -> AsyncIterator[MeetingRooms]:
    async with MeetingRooms(sim, server) as rooms:
        yield rooms


async def test_the_avatar_speaks_what_the_microphone_says(
    rooms: MeetingRooms, server: LiveKitServer
) -> None:
    avatar, player, room = await rooms.enter(streams=False)
    async with Listener(server, room) as ear:
        playback = avatar.play_audio(tone(1.2))
        await until(lambda: ear.loud)
        await until(lambda: max(ear.mouths, default=0) > 6)
        result = await playback
        assert (result.seconds, result.interrupted) == (pytest.approx(1.2), False)
        await until(lambda: not ear.loud)
    segment = player.segments[0]
    assert (segment.sender, segment.way) == (room.bot_identity, "track")
    await until(lambda: segment.ended_by == "quiet" and not player.taking)
    assert not segment.reported  # nothing is, in this way
    # With the quiet that ended it. A busy machine's track has gaps, which may cut and stretch it.
    heard = sum(s.received / s.bytes_per_second for s in player.segments)
    assert 0.6 < heard < 3.0 + len(player.segments)


async def test_cancel_silences_it_and_the_queue_goes_on(
    rooms: MeetingRooms, server: LiveKitServer
) -> None:
    avatar, player, room = await rooms.enter(streams=False)
    async with Listener(server, room) as ear:
        first = avatar.play_audio(tone(20.0))
        second = avatar.play_audio(tone(0.5, rate=16_000), sample_rate=16_000)
        await until(lambda: ear.loud)
        result = await first.cancel()
        assert result.interrupted
        assert 0.0 < result.seconds < 10.0
        assert not (await second).interrupted
        await until(lambda: not ear.loud and not player.taking)
    heard = sum(s.received / s.bytes_per_second for s in player.segments)
    # Nothing of the twenty seconds that weren't played was heard later.
    assert heard < 15.0


async def test_interrupt_and_drop(rooms: MeetingRooms, server: LiveKitServer) -> None:
    avatar, _, room = await rooms.enter(streams=False)
    async with Listener(server, room) as ear:
        first = avatar.play_audio(tone(20.0))
        await until(lambda: ear.loud)
        assert avatar.play_audio(tone(1.0), drop=True).state == "dropped"
        urgent = avatar.play_audio(tone(20.0), interrupt=True)
        assert (await first).interrupted
        await until(lambda: urgent.state == "playing" and ear.loud)
        await avatar.interrupt()
        assert (await urgent).interrupted
        await until(lambda: not ear.loud)


async def test_a_room_of_the_service_hears_the_microphone(server: LiveKitServer) -> None:
    async with (
        Simulator(livekit=server) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, stream_type="livekit", scene_mode="meeting") as avatar,
    ):
        player = sim.meeting(str(avatar.info.session_id))
        assert not (await avatar.play_audio(tone(0.5))).interrupted
        await until(lambda: bool(player.segments) and player.segments[0].ended_by == "quiet")


async def test_many_segments_with_interruptions(sim: Simulator, rooms: MeetingRooms) -> None:
    """Both ways at once. Where the avatar reports, it does so once for each."""
    count = 20
    by_stream, player, _ = await rooms.enter()
    by_track, ear, _ = await rooms.enter(streams=False)
    reports = reports_of(player)
    await asyncio.gather(
        play_in_a_row(
            by_stream, count, lambda n: any(s.played > 0 for s in player.segments[n:]), TICK, LONG
        ),
        play_in_a_row(by_track, count, lambda _: ear.taking, TICK, LONG),
    )
    await until(lambda: all(segment.reported for segment in player.segments))
    assert reports == dict.fromkeys(range(count), 1)
    assert sum(segment.cleared for segment in player.segments) == count // 5
    await asyncio.gather(by_stream.aclose(), by_track.aclose())
    calls = Counter(request.path.rpartition("/")[2] for request in sim.requests)
    assert calls["create"] == calls["close"] == 2
