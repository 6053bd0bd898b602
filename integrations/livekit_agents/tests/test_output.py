"""`akool_livekit_agents.output`, with a room that the test plays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from akool_livekit_agents import output
from akool_livekit_agents.output import SAMPLE_RATE, AvatarAudioOutput
from livekit import rtc
from livekit.agents.voice.io import PlaybackFinishedEvent, _AudioSinkProxy

from akool_async.testing.waiting import until

AVATAR = "avatar"
MARGIN = 0.3


def frame(seconds: float) -> rtc.AudioFrame:
    samples = int(seconds * SAMPLE_RATE)
    return rtc.AudioFrame(bytes(2 * samples), SAMPLE_RATE, 1, samples)


class VendorRoom(rtc.EventEmitter[Any]):
    """As much of `rtc.Room` as the output uses; it is its own participant and writer."""

    def __init__(self, *, present: bool) -> None:
        """`present`: the avatar is in it."""
        super().__init__()
        video = SimpleNamespace(kind=rtc.TrackKind.KIND_VIDEO, sid="TR_face")
        avatar = SimpleNamespace(
            identity=AVATAR,
            kind=rtc.ParticipantKind.PARTICIPANT_KIND_AGENT,
            state=rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE,
            track_publications={"TR_face": video},
        )
        self.remote_participants = {AVATAR: avatar} if present else {}
        self.identity = "agent"
        self._rpc_handlers: dict[str, Callable[[Any], str]] = {}
        self.streams: list[dict[str, str]] = []
        self.ended = 0
        self.clears = 0
        self.refuses = False

    @property
    def local_participant(self) -> VendorRoom:
        return self

    def isconnected(self) -> bool:
        return True

    def register_rpc_method(self, name: str, method: Callable[[Any], str]) -> None:
        self._rpc_handlers[name] = method

    async def stream_bytes(self, *, attributes: dict[str, str], **_: Any) -> VendorRoom:
        self.streams.append(attributes)
        return self

    async def write(self, data: bytes) -> None:
        assert data

    async def aclose(self) -> None:
        self.ended += 1

    async def perform_rpc(self, **_: Any) -> str:
        self.clears += 1
        if self.refuses:
            raise rtc.RpcError(1500, "refused")
        return "ok"

    def report(self, seconds: float, *, interrupted: bool = False) -> str:
        payload = json.dumps({"playback_position": seconds, "interrupted": interrupted})
        call = SimpleNamespace(caller_identity=AVATAR, payload=payload)
        return self._rpc_handlers["lk.playback_finished"](call)


class Output:
    """The output, and what it reported to the agent."""

    def __init__(self, *, present: bool = True) -> None:
        self.room = VendorRoom(present=present)
        self.finished: list[PlaybackFinishedEvent] = []
        room: Any = self.room
        self.output = AvatarAudioOutput(room, AVATAR, started=False, margin=MARGIN)
        self.output.on("playback_finished", self.finished.append)

    async def say(self, seconds: float, *, end: bool = True) -> None:
        await self.output.capture_frame(frame(seconds))
        if end:
            self.output.flush()

    @property
    def results(self) -> list[tuple[float, bool]]:
        return [(event.playback_position, event.interrupted) for event in self.finished]


@pytest_asyncio.fixture
async def agent() -> AsyncIterator[Output]:
    agent = Output()
    yield agent
    await agent.output.aclose()


async def test_a_segment_is_reported_once(agent: Output) -> None:
    await agent.say(0.2)
    assert agent.room.streams == [{"sample_rate": "16000", "num_channels": "1"}]
    assert agent.room.report(0.2) == "ok"
    await asyncio.wait_for(agent.output.wait_for_playout(), 20)
    assert agent.results == [(0.2, False)]
    assert agent.output.missed == agent.output.late == 0


async def test_a_report_that_does_not_come_is_made_up_for(agent: Output) -> None:
    begun = asyncio.get_running_loop().time()
    await agent.say(0.2)
    await asyncio.wait_for(agent.output.wait_for_playout(), 20)
    assert asyncio.get_running_loop().time() - begun >= 0.2 + MARGIN
    assert agent.results == [(pytest.approx(0.2), False)]
    assert agent.output.missed == 1


async def test_segments_behind_each_other_have_the_time_of_those_before(agent: Output) -> None:
    """Both are sent at once, and the second is played after the first."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await agent.say(1.0)
    await agent.say(0.1)
    await asyncio.wait_for(agent.output.wait_for_playout(), 20)
    assert loop.time() - begun >= 1.1 + MARGIN
    assert agent.output.missed == 2


async def test_a_late_report_is_not_the_next_segments(agent: Output) -> None:
    await agent.say(0.1)
    await until(lambda: agent.output.missed == 1)
    await agent.say(5.0)
    assert agent.room.report(0.1) == "ok"
    assert len(agent.finished) == 1
    assert agent.output.late == 1
    agent.room.report(5.0)
    assert agent.results[1:] == [(5.0, False)]


async def test_a_late_report_while_nothing_plays_is_counted(agent: Output) -> None:
    await agent.say(0.1)
    await until(lambda: agent.output.missed == 1)
    agent.room.report(0.1)
    assert (len(agent.finished), agent.output.late) == (1, 1)


async def test_a_late_report_while_the_next_segment_is_still_sent(agent: Output) -> None:
    await agent.say(0.1)
    await until(lambda: agent.output.missed == 1)
    await agent.say(0.1, end=False)
    agent.room.report(0.1)
    assert (len(agent.finished), agent.output.late) == (1, 1)


async def test_a_refused_clear_does_not_hold_the_agent_up(agent: Output) -> None:
    agent.room.refuses = True
    await agent.say(60.0)
    agent.output.clear_buffer()
    await asyncio.wait_for(agent.output.wait_for_playout(), 20)
    assert agent.room.clears == 1
    assert agent.results == [(60.0, True)]
    assert agent.output.missed == 0  # the framework ended it


async def test_what_is_pending_is_given_up_when_the_avatar_is_gone(agent: Output) -> None:
    loop = asyncio.get_running_loop()
    await agent.say(60.0)
    await agent.say(60.0)
    begun = loop.time()
    await until(lambda: loop.time() - begun > 0.2)
    agent.output.give_up()
    (heard, cut), (nothing, dropped) = agent.results
    assert 0.2 <= heard < 30.0
    assert (nothing, cut, dropped) == (0.0, True, True)


async def test_closing_ends_its_tasks_and_what_is_pending(agent: Output) -> None:
    await agent.say(60.0)
    await asyncio.wait_for(agent.output.aclose(), 20)
    await agent.output.aclose()
    [(heard, interrupted)] = agent.results
    assert interrupted
    assert heard < 30.0
    assert not agent.output._watches


async def test_nothing_is_sent_to_an_avatar_that_has_left(agent: Output) -> None:
    await agent.say(0.1)
    agent.room.report(0.1)
    agent.output.give_up()
    await agent.say(60.0)
    await asyncio.wait_for(agent.output.wait_for_playout(), 20)
    assert agent.results == [(0.1, False), (0.0, True)]
    assert len(agent.room.streams) == 1


async def test_a_segment_of_an_avatar_that_left_is_over_when_the_agent_ends_it(
    agent: Output,
) -> None:
    loop = asyncio.get_running_loop()
    await agent.say(60.0, end=False)
    agent.output.give_up()
    left = loop.time()
    assert agent.results == []
    await agent.say(60.0, end=False)
    await until(lambda: loop.time() > left + 0.3)
    agent.output.flush()
    [(heard, interrupted)] = agent.results
    assert interrupted
    assert heard < loop.time() - left
    await asyncio.wait_for(agent.output.wait_for_playout(), 20)


async def test_an_avatar_that_never_joins_is_not_waited_for_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(output, "_JOIN_LIMIT", 0.2)
    agent = Output(present=False)
    for _ in range(2):
        await asyncio.wait_for(agent.say(5.0), 20)
        await asyncio.wait_for(agent.output.wait_for_playout(), 20)
    assert agent.results == [(0.0, True)] * 2
    assert agent.room.streams == []
    await asyncio.wait_for(agent.output.aclose(), 20)


async def test_an_interruption_while_speech_waits_for_the_avatar_ends_it() -> None:
    """What is around the output in an agent has counted the frame that waits."""
    agent = Output(present=False)
    around = _AudioSinkProxy(agent.output)
    waiting = asyncio.create_task(around.capture_frame(frame(1.0)))
    await until(lambda: around.captured_playout_segments == 1)
    waiting.cancel()
    await asyncio.wait({waiting})
    around.flush()
    around.clear_buffer()
    event = await asyncio.wait_for(around.wait_for_playout(), 20)
    assert (event.playback_position, event.interrupted) == (0.0, True)
    await asyncio.wait_for(agent.output.aclose(), 20)


async def test_avatars_of_one_name_in_two_rooms_report_to_their_own_agent(agent: Output) -> None:
    """In a worker of threads, all jobs share a process."""
    other = Output()
    await agent.say(1.0)
    await other.say(2.0)
    assert agent.room.report(1.0) == other.room.report(2.0) == "ok"
    assert (agent.results, other.results) == ([(1.0, False)], [(2.0, False)])
    await other.output.aclose()


async def test_closing_leaves_nothing_in_the_room(agent: Output) -> None:
    room: Any = agent.room
    later = AvatarAudioOutput(room, "later", started=True, margin=MARGIN)
    await agent.output.aclose()
    assert agent.room.report(1.0) == "reject"
    await later.aclose()
    await later.aclose()
    assert not any(agent.room._events.values())
