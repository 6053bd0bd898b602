"""`simulator.avatar.replayed`: a captured session is played again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from akool_async import AkoolClient, AvatarSession, UserSpoke
from akool_async.errors import InvalidParameterError
from akool_async.models.session import LEGACY_AVATARS
from akool_async.simulator import Clock, ServiceBehavior, SimSession, Simulator
from akool_async.testing.waiting import until

AVATAR = "dvp_Tristan_cloth2_1080P"


@asynccontextmanager
async def talking(sim: Simulator, **fields: Any) -> AsyncIterator[tuple[AvatarSession, SimSession]]:
    async with (
        sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(**{"avatar_id": AVATAR, "stream_type": "trtc"} | fields) as avatar,
    ):
        yield avatar, sim.open_sessions[0]


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """A session in which someone asks, speaks, interrupts and acts."""
    sim = Simulator(reply=lambda text: f"{text}? Well …")
    async with talking(sim) as (avatar, session):
        await avatar.ask("first")
        await sim.user_says(session, "spoken")
        await until(lambda: len(avatar.transcript) == 4)
        await avatar.interrupt()
        await avatar.act(action="nod")
        await avatar.ask("second")
        sim.capture(session).write(tmp_path / "session.jsonl")
    return tmp_path / "session.jsonl"


@pytest.mark.parametrize("speed", [None, 50.0])
async def test_the_same_client_gets_the_same_session(file: Path, speed: float | None) -> None:
    sim = Simulator.replay(file, speed=speed)
    async with talking(sim) as (avatar, session):
        heard = avatar.events(UserSpoke)
        assert (await avatar.ask("first")).text == "first? Well …"
        assert (await anext(heard)).text == "spoken"
        await until(lambda: len(avatar.transcript) == 4)
        assert sim.differences(session) == [
            "not sent: command interrupt {}",
            'not sent: command set-action {"action": "nod"}',
            "not sent: chat 'second'",
        ]
        await avatar.interrupt()
        await avatar.act(action="nod")
        assert (await avatar.ask("second")).text == "second? Well …"
        assert sim.differences(session) == []


async def test_what_is_sent_otherwise_is_a_readable_difference(file: Path) -> None:
    sim = Simulator.replay(file)
    async with talking(sim) as (avatar, session):
        assert (await avatar.ask("another")).text == "first? Well …"
        assert sim.differences(session)[0] == (
            "step 1\n  captured: chat 'first'\n  sent:     chat 'another'"
        )
        await avatar.interrupt()
        await avatar.act(action="nod")
        await avatar.ask("second")
        avatar.say("too much")
        await until(lambda: len(sim.differences(session)) == 2)
        assert sim.differences(session)[1] == "sent beyond the capture: chat 'too much'"


async def test_a_greeting_comes_before_anything_is_sent(tmp_path: Path) -> None:
    sim = Simulator(behavior=ServiceBehavior(greets=True))
    async with talking(sim) as (avatar, session):
        await until(lambda: bool(avatar.transcript) and avatar.transcript[0].complete)
        greeting = avatar.transcript[0].text
        sim.capture(session).write(tmp_path / "session.jsonl")
    sim = Simulator.replay(tmp_path / "session.jsonl")
    async with talking(sim) as (avatar, session):
        await until(lambda: bool(avatar.transcript) and avatar.transcript[0].complete)
        assert avatar.transcript[0].text == greeting
        assert sim.differences(session) == []


@pytest.mark.parametrize("speed", [0, -1.0, float("nan")])
def test_a_speed_above_0(file: Path, speed: float) -> None:
    with pytest.raises(InvalidParameterError, match="speed"):
        Simulator.replay(file, speed=speed)


async def test_a_simulator_that_replays_nothing_has_no_differences() -> None:
    async with talking(Simulator(clock=Clock())) as (_, session):
        pass
    with pytest.raises(RuntimeError, match="replay"):
        Simulator().differences(session)


@pytest.mark.virtual_clock
@pytest.mark.parametrize("base64", [False, True])
async def test_a_chat_room_is_played_again(tmp_path: Path, base64: bool) -> None:
    legacy = {"avatar_id": LEGACY_AVATARS[0], "stream_type": "livekit", "legacy": True, "mode": 2}
    sim = Simulator(
        reply=lambda text: f"{text}? Well …", behavior=ServiceBehavior(payload_base64=base64)
    )
    async with talking(sim, **legacy) as (avatar, session):
        await avatar.ask("first")
        await avatar.ask("second")
        sim.capture(session).write(tmp_path / "session.jsonl")
    sim = Simulator.replay(tmp_path / "session.jsonl")
    async with talking(sim, **legacy) as (avatar, session):
        assert (await avatar.ask("first")).text == "first? Well …"
        assert (await avatar.ask("other")).text == "second? Well …"
        assert sim.differences(session) == [
            "step 2\n  captured: chat in mode 2 'second'\n  sent:     chat in mode 2 'other'"
        ]


async def test_without_texts_only_the_order_is_compared(tmp_path: Path) -> None:
    sim = Simulator()
    async with talking(sim) as (avatar, session):
        await avatar.ask("first")
        await avatar.interrupt()
        sim.capture(session, texts=False).write(tmp_path / "session.jsonl")
    sim = Simulator.replay(tmp_path / "session.jsonl")
    async with talking(sim) as (avatar, session):
        assert (await avatar.ask("something else")).text == "Xxx xxxx: xxxxx".lower()
        assert sim.differences(session) == ["not sent: command interrupt {}"]
        avatar.say("one more")  # which is answered as the interrupt was
        await until(lambda: "step 2" in sim.differences(session)[0])
        (difference,) = sim.differences(session)
        assert difference.splitlines() == [
            "step 2",
            "  captured: command interrupt {}",
            "  sent:     chat (its text wasn't captured)",
        ]


@pytest.mark.virtual_clock
async def test_while_an_answer_is_played_in_real_time_commands_are_answered(tmp_path: Path) -> None:
    sim = Simulator(reply=lambda _: "word " * 40, pace=0.5)
    async with talking(sim) as (avatar, session):
        await avatar.ask("go on", timeout=60)
        sim.capture(session).write(tmp_path / "session.jsonl")
    sim = Simulator.replay(tmp_path / "session.jsonl", speed=1)
    async with talking(sim) as (avatar, session):
        clock = asyncio.get_running_loop().time
        began = clock()
        async with avatar.stream("go on") as pieces:
            assert await anext(pieces) == "word word word word "
            await avatar.set_params(language="de")
            assert clock() - began < 3
            assert "".join([piece async for piece in pieces]) == "word " * 36
        assert 15 < clock() - began < 25
