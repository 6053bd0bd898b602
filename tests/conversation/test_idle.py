from __future__ import annotations

import asyncio

import pytest
from speaking import says_it

from akool_async import AkoolClient, Disconnected, HandlerFailed, Idle
from akool_async.errors import DisconnectedError, InvalidParameterError
from akool_async.simulator import Simulator
from akool_async.testing.waiting import until


def times(clock=None):
    """A function for `on_idle` that notes when it was called."""
    called: list[float] = []

    def note() -> None:
        called.append(asyncio.get_running_loop().time())

    return note, called


async def test_a_function_is_called_when_no_one_has_spoken_and_again_later(scene):
    async with scene() as s:
        began = asyncio.get_running_loop().time()
        note, called = times()
        watch = s.session.on_idle(10, note)
        await asyncio.sleep(25)
        assert [round(at - began) for at in called] == [10, 20]
        watch.stop()
        await asyncio.sleep(25)
        assert len(called) == 2


@pytest.mark.parametrize("who", ["user", "bot"])
async def test_whoever_speaks_puts_it_off(scene, who):
    async with scene() as s:
        began = asyncio.get_running_loop().time()
        note, called = times()
        s.session.on_idle(10, note)
        await asyncio.sleep(6)
        s.robot.part("m1", 0, "hello", True, who)
        await asyncio.sleep(8)
        assert called == []
        await asyncio.sleep(4)
        assert [round(at - began) for at in called] == [16]


async def test_a_long_speech_is_no_idleness(scene):
    async with scene() as s:
        note, called = times()
        s.session.on_idle(10, note)
        s.robot.event("audio_start")
        await asyncio.sleep(60)
        assert called == []
        s.robot.event("audio_end")
        await asyncio.sleep(21)
        assert len(called) >= 1


@pytest.mark.parametrize("kind", ["plain", "async", "iterable"])
async def test_what_it_returns_is_said(scene, kind):
    async def prompt() -> str:
        return "Are you still there?"

    async def pieces():
        yield "Are you "
        yield "still there?"

    function = {"plain": lambda: "Are you still there?", "async": prompt, "iterable": pieces}[kind]
    async with scene() as s:
        says_it(s.robot)
        s.session.on_idle(10, function)
        await asyncio.sleep(11)
        assert [text for _, text in s.robot.chats] == ["Are you still there?"]


async def test_it_may_end_the_session(scene):
    async with scene() as s:
        gone = s.session.events(Disconnected)
        s.session.on_idle(10, s.session.aclose)
        assert (await anext(gone)).reason == "closed"


async def test_what_it_raises_is_reported(scene):
    def broken() -> str:
        raise ValueError("no prompt")

    async with scene() as s:
        failed = s.session.events(HandlerFailed)
        s.session.on_idle(10, broken)
        assert str((await anext(failed)).error) == "no prompt"


async def test_wrong_calls_are_refused(scene):
    async with scene() as s:
        for seconds, function, field in ((0, print, "seconds"), (5, None, "function")):
            with pytest.raises(InvalidParameterError) as caught:
                s.session.on_idle(seconds, function)
            assert caught.value.field == field
        with pytest.raises(InvalidParameterError, match="idle_timeout"):
            s.session.close_when_idle(-1)


async def test_a_session_no_one_uses_is_closed_whatever_it_is_prompted(scene):
    async with scene() as s:
        says_it(s.robot)
        began = asyncio.get_running_loop().time()
        idle, gone = s.session.events(Idle), s.session.events(Disconnected)
        s.session.close_when_idle(25)
        s.session.on_idle(10, lambda: "Are you still there?")
        assert (await anext(gone)).reason == "idle"
        assert round(asyncio.get_running_loop().time() - began) == 25
        with pytest.raises(DisconnectedError, match="no one spoke for 25 s"):
            await s.session.ask("Hello?")
        assert [event.seconds async for event in idle] == [10, 10, 25]


async def test_people_and_the_program_use_it(scene):
    async with scene() as s:
        says_it(s.robot)
        began = asyncio.get_running_loop().time()
        gone = s.session.events(Disconnected)
        s.session.close_when_idle(25)
        await asyncio.sleep(20)
        s.robot.part("u1", 0, "hello", True, "user")
        await asyncio.sleep(20)
        await s.session.say("Hello.")
        await anext(gone)
        assert round(asyncio.get_running_loop().time() - began) == 65


async def test_an_idle_session_is_closed_at_the_service():
    async with (
        Simulator() as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(
            "dvp_Tristan_cloth2_1080P", stream_type="trtc", idle_timeout=1.0
        ) as avatar,
    ):
        assert sim.open_sessions
        await until(lambda: not sim.open_sessions)
        assert avatar.closed


async def test_a_wrong_limit_is_refused_before_anything_is_paid():
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        with pytest.raises(InvalidParameterError, match="idle_timeout"):
            await akool.open_session("dvp_Tristan_cloth2_1080P", idle_timeout=0)
        assert not sim.sessions
