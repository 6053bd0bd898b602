"""An agent with an AKOOL avatar: speech, interruptions, sessions that are paid for."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any

import pytest
from akool_livekit_agents import SAMPLE_RATE, AvatarSession, session
from livekit import rtc
from livekit.agents import Agent, AgentSession, MetricsCollectedEvent
from livekit.agents.metrics.base import AvatarMetrics
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.io import PlaybackFinishedEvent
from paid_calls import calls
from scripted_agent import ToneTTS

from akool_async import AkoolClient, AkoolError, BusyError, ConversationOptions
from akool_async.simulator import Fault, Simulator
from akool_async.simulator.meeting.player import MeetingPlayer
from akool_async.testing.waiting import until

AVATAR = "dvp_Tristan_cloth2_1080P"
OTHER = "dvp_Alinna_realisticbg_20241224"


def player(sim: Simulator, avatar: AvatarSession) -> MeetingPlayer:
    session_id = avatar.session.info.session_id
    assert session_id is not None
    return sim.meeting(session_id)


async def started(
    agent: AgentSession[Any], avatar: AvatarSession, room: rtc.Room, instructions: str = "Greet."
) -> None:
    await avatar.start(agent, room=room)
    await agent.start(Agent(instructions=instructions), room=room)
    await avatar.wait_for_join(timeout=20)


async def played(agent: AgentSession[Any], said: str) -> None:
    """Says it to the agent, and waits until the answer was played."""
    await over(agent.generate_reply(user_input=said))


async def over(handle: SpeechHandle) -> None:
    """Waits until it was played, or interrupted."""
    await asyncio.wait_for(handle.wait_for_playout(), 20)


async def test_the_avatar_speaks_what_the_agent_says(
    sim: Simulator, akool: AkoolClient, room: rtc.Room, agent: AgentSession[Any]
) -> None:
    metrics: list[AvatarMetrics] = []

    def collect(event: MetricsCollectedEvent) -> None:
        if isinstance(event.metrics, AvatarMetrics):
            metrics.append(event.metrics)

    agent.on("metrics_collected", collect)
    avatar = AvatarSession(AVATAR, client=akool)
    await started(agent, avatar, room)
    await played(agent, "Hi")
    [segment] = player(sim, avatar).segments
    assert (segment.sender, segment.sample_rate) == ("agent", SAMPLE_RATE)
    await until(lambda: segment.reported)
    assert not segment.cleared
    assert segment.played == pytest.approx(1.0, abs=0.1)
    person = room.remote_participants[avatar.avatar_identity]
    assert person.attributes["lk.publish_on_behalf"] == "agent"
    assert person.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    assert metrics[0].metadata is not None
    assert metrics[0].metadata.model_provider == "akool"
    assert metrics[0].avatar_joined_time is not None
    await avatar.aclose()
    await avatar.aclose()
    assert calls(sim) == {"create": 1, "close": 1}


async def test_an_interruption_silences_the_avatar(
    sim: Simulator, akool: AkoolClient, room: rtc.Room, agent: AgentSession[Any]
) -> None:
    assert isinstance(agent.tts, ToneTTS)
    agent.tts.seconds = 8.0
    avatar = AvatarSession(AVATAR, client=akool)
    await started(agent, avatar, room)
    handle = agent.generate_reply(user_input="Hi")
    speech = player(sim, avatar).segments
    await until(lambda: bool(speech) and speech[0].played > 0.3)
    await agent.interrupt()
    await over(handle)
    assert handle.interrupted
    await until(lambda: speech[0].reported)
    assert speech[0].cleared
    assert speech[0].played < 6.0
    await avatar.aclose()


async def test_a_report_that_never_comes_is_made_up_for(
    sim: Simulator, akool: AkoolClient, room: rtc.Room, agent: AgentSession[Any]
) -> None:
    avatar = AvatarSession(AVATAR, client=akool, report_margin=1.0)
    await started(agent, avatar, room)
    player(sim, avatar).reports = False
    await played(agent, "Hi")
    player(sim, avatar).reports = True
    await played(agent, "Hi again")
    assert len(player(sim, avatar).segments) == 2
    await avatar.aclose()


async def test_a_lost_end_mark_does_not_hold_the_agent_up(
    sim: Simulator, akool: AkoolClient, room: rtc.Room, agent: AgentSession[Any]
) -> None:
    avatar = AvatarSession(AVATAR, client=akool, report_margin=1.0)
    await started(agent, avatar, room)
    player(sim, avatar).loses_ends = True
    await played(agent, "Hi")
    player(sim, avatar).loses_ends = False
    await played(agent, "Hi again")
    segments = player(sim, avatar).segments
    await until(lambda: len(segments) == 2 and segments[1].reported)
    assert [segment.ended_by for segment in segments] == ["header", "end"]
    await avatar.aclose()


async def test_a_refused_interruption_does_not_hold_the_agent_up(
    sim: Simulator, akool: AkoolClient, room: rtc.Room, agent: AgentSession[Any]
) -> None:
    assert isinstance(agent.tts, ToneTTS)
    agent.tts.seconds = 3.0
    avatar = AvatarSession(AVATAR, client=akool)
    await started(agent, avatar, room)
    speech = player(sim, avatar)
    speech.refuses_clear = True
    handle = agent.generate_reply(user_input="Hi")
    await until(lambda: bool(speech.segments) and speech.segments[0].played > 0.3)
    await agent.interrupt()
    await over(handle)
    assert handle.interrupted
    assert not speech.segments[0].cleared
    speech.refuses_clear = False
    await played(agent, "Hi again")
    assert len(speech.segments) == 2
    await avatar.aclose()


@pytest.fixture
def soon(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`soon(at_last=seconds)`: sessions are renewed a second after they were opened, and so much
    later whether the agent speaks or not. Another session is refused until faults are cleared.
    """

    def shorten(*, at_last: float) -> None:
        class Soon(session._End):
            def __init__(self, at: float, duration: float) -> None:
                super().__init__(at, duration)
                self.begin = at - duration + 1.0
                self.latest = self.begin + at_last

        monkeypatch.setattr(session, "_End", Soon)
        monkeypatch.setattr(session, "_LONGEST_PAUSE", 1.0)
        sim.fail_next(path="*/session/create", delay=0.01)  # the first one is made
        sim.fail_next(path="*/session/create", status=502, times=None)

    return shorten


def voices(sim: Simulator) -> list[MeetingPlayer]:
    """What the avatars of all sessions so far were sent, in the order of the sessions."""
    return [sim.meeting(one) for one in sim.sessions.values()]


async def closed_once(sim: Simulator, avatar: AvatarSession) -> None:
    """Closes the avatar; each session that was opened has been closed by a call of its own."""
    await avatar.aclose()
    assert {one.end_reason for one in sim.sessions.values()} == {"closed"}
    assert calls(sim)["close"] == len(sim.sessions)


async def test_an_avatar_that_speaks_is_not_relieved(
    sim: Simulator,
    akool: AkoolClient,
    room: rtc.Room,
    agent: AgentSession[Any],
    soon: Callable[..., None],
) -> None:
    """The next one joins meanwhile, and takes over when the agent is silent."""
    soon(at_last=3600.0)
    assert isinstance(agent.tts, ToneTTS)
    agent.tts.seconds = 90.0
    avatar = AvatarSession(AVATAR, client=akool)
    await started(agent, avatar, room)
    handle = agent.generate_reply(user_input="Hi")
    [first] = voices(sim)
    await until(lambda: bool(first.segments) and first.segments[0].played > 0.1)
    sim.clear_faults()
    await until(lambda: avatar._next is not None, timeout=60)
    assert len(room.remote_participants) == 2
    played_by_then = first.segments[0].played
    await until(lambda: first.segments[0].played > played_by_then + 0.5)
    assert avatar.avatar_identity == "akool-avatar-agent"
    agent.tts.seconds = 1.0
    await agent.interrupt()
    await over(handle)
    await until(lambda: avatar.avatar_identity != "akool-avatar-agent")
    await played(agent, "Still there?")
    assert len(first.segments) == 1
    assert voices(sim)[1].segments[0].played == pytest.approx(1.0, abs=0.1)
    await closed_once(sim, avatar)


async def test_speech_that_goes_on_until_the_last_moment_is_cut(
    sim: Simulator,
    akool: AkoolClient,
    room: rtc.Room,
    agent: AgentSession[Any],
    soon: Callable[..., None],
) -> None:
    soon(at_last=0.0)
    assert isinstance(agent.tts, ToneTTS)
    agent.tts.seconds = 60.0
    avatar = AvatarSession(AVATAR, client=akool)
    await started(agent, avatar, room)
    handle = agent.generate_reply(user_input="Hi")
    await until(lambda: bool(voices(sim)[0].segments))
    [speech] = voices(sim)[0].segments
    await until(lambda: speech.ended_by == "end")
    sim.clear_faults()
    await until(lambda: avatar.avatar_identity != "akool-avatar-agent")
    soon(at_last=3600.0)  # no other one
    await over(handle)
    # It was cleared, unless its avatar left before.
    await until(lambda: len(sim.open_sessions) == 1)
    assert speech.played < 55.0
    agent.tts.seconds = 1.0
    await played(agent, "Still there?")
    said = [one for voice in voices(sim)[1:] for one in voice.segments]
    assert [one.played for one in said] == pytest.approx([1.0], abs=0.1)
    await closed_once(sim, avatar)


async def test_what_is_said_while_there_is_no_avatar_waits_for_the_next_one(
    sim: Simulator,
    akool: AkoolClient,
    room: rtc.Room,
    agent: AgentSession[Any],
    soon: Callable[..., None],
) -> None:
    """One session can be had at a time, and the avatar stays the one that people know."""
    sim.fail_next(path="*/session/create", code=1237)
    soon(at_last=3600.0)
    avatar = AvatarSession([AVATAR, OTHER], client=akool, wait_for_slot=3600)
    await started(agent, avatar, room)
    assert avatar.session.info.avatar_id == OTHER
    sim.clear_faults()
    sim.fail_next(path="*/session/create", code=1237, times=2)
    sim.fail_next(path="*/session/create", delay=3.0)
    await until(lambda: calls(sim)["close"] == 1, timeout=60)
    await played(agent, "Anyone there?")
    first, second = voices(sim)
    assert not first.segments
    assert second.segments[0].played == pytest.approx(1.0, abs=0.1)
    await until(lambda: avatar.avatar_identity != "akool-avatar-agent")
    assert avatar.session.info.avatar_id == OTHER
    await closed_once(sim, avatar)


async def test_a_session_that_ends_early_is_replaced(
    sim: Simulator, akool: AkoolClient, room: rtc.Room, agent: AgentSession[Any]
) -> None:
    options = ConversationOptions(opening_timeout=2.0, avatar_return=0.5)
    avatar = AvatarSession(AVATAR, client=akool, options=options)
    await started(agent, avatar, room)
    first = avatar.session.info.session_id
    assert first is not None
    await sim.fail_session(first)

    def replaced() -> bool:
        current = avatar._current
        return current is not None and current.info.session_id != first

    await until(replaced, timeout=60)
    await played(agent, "Still there?")
    await avatar.aclose()


async def test_an_avatar_that_leaves_while_it_speaks_is_replaced(
    sim: Simulator, akool: AkoolClient, room: rtc.Room, agent: AgentSession[Any]
) -> None:
    """The agent goes on at once, knowing that it wasn't heard to the end."""
    assert isinstance(agent.tts, ToneTTS)
    agent.tts.seconds = 60.0
    options = ConversationOptions(opening_timeout=2.0, avatar_return=0.5)
    avatar = AvatarSession(AVATAR, client=akool, options=options)
    await started(agent, avatar, room)
    ended: list[PlaybackFinishedEvent] = []
    assert agent.output.audio is not None
    agent.output.audio.on("playback_finished", ended.append)
    handle = agent.generate_reply(user_input="Hi")
    [first] = voices(sim)
    await until(lambda: bool(first.segments) and first.segments[0].ended_by == "end")
    await sim.fail_session(next(iter(sim.sessions)))
    await over(handle)
    [event] = ended
    assert event.interrupted
    assert 0.3 < event.playback_position < 55.0
    agent.tts.seconds = 1.0
    await until(lambda: len(sim.sessions) == 2)
    await played(agent, "Still there?")
    assert voices(sim)[1].segments[-1].played == pytest.approx(1.0, abs=0.1)
    await avatar.aclose()


async def test_a_start_that_fails_leaves_nothing_open(
    sim: Simulator, akool: AkoolClient, room: rtc.Room, agent: AgentSession[Any]
) -> None:
    sim.fail_next(Fault(path="*/session/create", code=1237, times=None))
    avatar = AvatarSession(AVATAR, client=akool)
    with pytest.raises(BusyError):
        await avatar.start(agent, room=room)
    assert sim.open_sessions == []
    with pytest.raises(RuntimeError, match="once"):
        await avatar.start(agent, room=room)


async def test_creating_is_never_repeated_by_itself(
    sim: Simulator, akool: AkoolClient, room: rtc.Room, agent: AgentSession[Any]
) -> None:
    """The vendor's plugin repeats create after any failure, and each may be paid for."""
    sim.fail_next(Fault(path="*/session/create", status=502))
    avatar = AvatarSession(AVATAR, client=akool)
    with pytest.raises(AkoolError):
        await avatar.start(agent, room=room)
    assert calls(sim)["create"] == 1


async def test_the_next_avatar_is_taken_where_one_is_in_use(
    sim: Simulator, akool: AkoolClient, room: rtc.Room, agent: AgentSession[Any]
) -> None:
    sim.fail_next(Fault(path="*/session/create", code=1237))
    avatar = AvatarSession([AVATAR, OTHER], client=akool)
    await started(agent, avatar, room)
    assert avatar.session.info.avatar_id == OTHER
    await avatar.aclose()


async def test_close_names_the_session_as_documented(
    sim: Simulator, akool: AkoolClient, room: rtc.Room, agent: AgentSession[Any]
) -> None:
    """The vendor's plugin closes by a field of another name."""
    avatar = AvatarSession(AVATAR, client=akool)
    await avatar.start(agent, room=room)
    session_id = avatar.session.info.session_id
    await avatar.aclose()
    [close] = [request for request in sim.requests if request.path.endswith("/close")]
    assert close.body == {"id": session_id}


async def test_no_token_is_logged(
    sim: Simulator,
    akool: AkoolClient,
    room: rtc.Room,
    agent: AgentSession[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The vendor's plugin logs the body of create, with the avatar's token in it."""
    caplog.set_level(logging.DEBUG)
    avatar = AvatarSession(AVATAR, client=akool)
    await started(agent, avatar, room)
    await avatar.aclose()
    [create] = [request for request in sim.requests if request.path.endswith("/create")]
    token = create.body["credentials"]["livekit_token"]
    secret = os.environ["LIVEKIT_API_SECRET"]
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("livekit")]
    assert ours
    assert not any(token in line or secret in line for line in ours)
    assert token not in repr(avatar.__dict__)
