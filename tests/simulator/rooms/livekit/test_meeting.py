"""The program's own voice through the avatar, in the simulator's own LiveKit room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from livekit import rtc
from livekit.protocol import models as pb
from meeting_room import Listener, MeetingRooms, speak_and_break_off, tone

from akool_async import DisconnectedError, PlaybackTimeoutError, SendError
from akool_async.simulator import Media, Simulator
from akool_async.simulator.clock import Clock
from akool_async.simulator.meeting.player import MeetingPlayer
from akool_async.simulator.rooms.livekit.meeting import ResidentMeeting
from akool_async.simulator.rooms.livekit.tokens import API_KEY, API_SECRET
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.testing.waiting import until


@pytest.mark.slow
@pytest.mark.parametrize("streams", [True, False])
async def test_it_is_heard_the_lips_move_and_a_cancel_silences_it(streams: bool) -> None:
    async with Simulator(media=Media(width=320, height=180)) as sim:
        here = LiveKitServer(sim.url, API_KEY, API_SECRET)
        async with MeetingRooms(sim, here) as rooms:
            avatar, player, room = await rooms.enter(streams=streams)
            async with Listener(here, room) as ear:
                await speak_and_break_off(avatar, ear, 0.8)
                assert ear.kind == (rtc.ParticipantKind.PARTICIPANT_KIND_AGENT if streams else 0)
                on_behalf = {"lk.publish_on_behalf": room.bot_identity} if streams else {}
                assert ear.attributes == on_behalf
            assert {one.way for one in player.segments} == {"stream" if streams else "track"}
        assert sim.errors == []


@pytest.mark.slow
async def test_microphones_are_spoken_though_the_avatar_does_not_listen() -> None:
    async with Simulator(media=Media(width=320, height=180, listen=None)) as sim:
        here = LiveKitServer(sim.url, API_KEY, API_SECRET)
        async with MeetingRooms(sim, here) as rooms:
            avatar, player, room = await rooms.enter(streams=False)
            async with Listener(here, room) as ear:
                await speak_and_break_off(avatar, ear, 0.8)
            assert {one.way for one in player.segments} == {"track"}
        assert sim.errors == []


async def test_without_a_face_it_takes_its_time_and_reports() -> None:
    async with Simulator() as sim:
        async with MeetingRooms(sim, LiveKitServer(sim.url, API_KEY, API_SECRET)) as rooms:
            avatar, player, _ = await rooms.enter()
            assert (await avatar.play_audio(tone(0.3))).seconds == pytest.approx(0.3, abs=0.06)
            player.refuses_clear = True
            playback = avatar.play_audio(tone(1.0))
            await until(lambda: len(player.segments) == 2 and player.segments[1].played > 0)
            with pytest.raises(SendError, match=r"lk\.clear_buffer was answered with 1500"):
                await playback.cancel()
            player.refuses_clear = False
            await until(lambda: player.segments[1].reported)
            last = avatar.play_audio(tone(20.0))
            await until(lambda: len(player.segments) == 3 and player.segments[2].played > 0)
            result = await last.cancel()
            assert result.interrupted
            assert result.seconds < 19
            await until(lambda: all(s.reported for s in player.segments))
        assert sim.errors == []


@pytest.mark.parametrize(
    ("fault", "margin", "error"),
    [
        ("drop_socket", 20.0, None),
        ("silence", 0.5, PlaybackTimeoutError),
        ("remove", 20.0, DisconnectedError),
    ],
)
async def test_the_network_is_cut_while_it_speaks(
    fault: str, margin: float, error: type[Exception] | None
) -> None:
    async with Simulator() as sim:
        async with MeetingRooms(sim, LiveKitServer(sim.url, API_KEY, API_SECRET)) as rooms:
            avatar, player, _ = await rooms.enter(playback_margin=margin)
            playbacks = [avatar.play_audio(tone(1.0)), avatar.play_audio(tone(0.1))]
            await until(lambda: bool(player.segments) and player.segments[0].played > 0)
            await sim.fault(str(avatar.info.session_id), fault)
            for playback in playbacks:
                if error is None:
                    assert not (await playback).interrupted
                else:
                    with pytest.raises(error):
                        await playback
        assert sim.open_sessions == []


# By packets


class Wire:
    """A meeting, and what it sends."""

    def __init__(self) -> None:
        self.player = MeetingPlayer(Clock())
        self.sent: list[pb.DataPacket] = []
        self.meeting = ResidentMeeting(self.player, self.sent.append)

    def take(self, **value: Any) -> None:
        self.meeting.receive(pb.DataPacket(participant_identity="bot", **value))

    def open(self, number: int = 1, topic: str = "lk.audio_stream", rate: str = "8000") -> None:
        header = pb.DataStream.Header(stream_id=f"s{number}", topic=topic)
        header.attributes.update({"sample_rate": rate, "num_channels": "1"})
        header.byte_header.name = "speech"
        self.take(stream_header=header)


@pytest_asyncio.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    await wire.meeting.start()
    yield wire
    await wire.meeting.stop()
    await wire.meeting.stop()


async def test_a_stream_is_a_segment_and_its_report_a_call(wire: Wire) -> None:
    wire.open()
    wire.take(stream_chunk=pb.DataStream.Chunk(stream_id="s1", content=bytes(800)))
    wire.take(stream_trailer=pb.DataStream.Trailer(stream_id="s1"))
    await until(lambda: len(wire.sent) == 2)
    started, finished = (packet.rpc_request for packet in wire.sent)
    assert [started.method, finished.method] == ["lk.playback_started", "lk.playback_finished"]
    assert finished.payload == '{"playback_position": 0.05, "interrupted": false}'
    assert list(wire.sent[1].destination_identities) == ["bot"]
    (segment,) = wire.player.segments
    assert not segment.reported
    wire.take(rpc_response=pb.RpcResponse(request_id=finished.id, payload="ok"))
    await until(lambda: segment.reported)


@pytest.mark.parametrize(("topic", "rate"), [("chat", "8000"), ("lk.audio_stream", "none")])
async def test_what_is_no_speech_is_passed_over(wire: Wire, topic: str, rate: str) -> None:
    wire.open(topic=topic, rate=rate)
    wire.take(stream_chunk=pb.DataStream.Chunk(stream_id="s1", content=bytes(800)))
    wire.take(stream_trailer=pb.DataStream.Trailer(stream_id="s1"))
    assert wire.player.segments == []


async def test_a_stream_that_breaks_off_ends_with_the_next_one(wire: Wire) -> None:
    wire.open(1)
    wire.take(stream_trailer=pb.DataStream.Trailer(stream_id="s1", reason="gone"))
    assert wire.player.segments[0].ended_by is None
    wire.open(2)
    assert wire.player.segments[0].ended_by == "header"


async def test_streams_that_never_end_are_forgotten(wire: Wire) -> None:
    for number in range(40):
        wire.open(number)
    wire.take(stream_chunk=pb.DataStream.Chunk(stream_id="s39", content=bytes(100)))
    wire.take(stream_chunk=pb.DataStream.Chunk(stream_id="s1", content=bytes(100)))
    assert [s.received for s in wire.player.segments] == [0] * 39 + [100]


@pytest.mark.parametrize(
    ("method", "version", "code"),
    [("lk.clear_buffer", 1, 0), ("other", 1, 1400), ("lk.clear_buffer", 9, 1404)],
)
async def test_calls_are_answered(wire: Wire, method: str, version: int, code: int) -> None:
    wire.take(rpc_request=pb.RpcRequest(id="c", method=method, version=version))
    ack, response = wire.sent
    assert (ack.rpc_ack.request_id, response.rpc_response.request_id) == ("c", "c")
    assert response.rpc_response.error.code == code
    assert response.rpc_response.payload == ("" if code else "ok")
