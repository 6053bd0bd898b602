"""A room that is looked at."""

from __future__ import annotations

import asyncio

import pytest
from fake_avatar import FakeAvatar

from akool_async.errors import JoinError
from akool_async.probe.room import ProbeRoom, same_words
from akool_async.stream.messages import Interrupt
from akool_async.testing.in_memory_room import InMemoryRoom

pytestmark = pytest.mark.virtual_clock


async def test_an_answer_is_over_at_the_end_of_its_speech():
    pair = InMemoryRoom()
    robot = FakeAvatar(pair)
    async with ProbeRoom(pair.transport) as room:

        def spoken(mid, text):
            robot.event("audio_start", mid)
            robot.reply(mid, text)
            asyncio.get_running_loop().call_later(7, robot.event, "audio_end", mid)

        robot.on_chat = spoken
        answer = await room.wait_answer(await room.send("Hello"), most=20)
        assert (answer.text, answer.over) == ("Hello", True)
        assert answer.seconds == pytest.approx(7, abs=0.1)


async def test_without_reports_of_speech_it_is_over_when_nothing_more_comes():
    pair = InMemoryRoom()
    robot = FakeAvatar(pair)
    async with ProbeRoom(pair.transport) as room:
        robot.on_chat = lambda mid, text: robot.reply(mid, text, " again")
        asked = await room.send("Hello")
        answer = await room.wait_answer(asked, most=20)
        assert (answer.text, answer.over, answer.seconds) == ("Hello again", True, None)
        assert room.now() - asked.at < 3


async def test_no_answer():
    pair = InMemoryRoom()
    async with ProbeRoom(pair.transport) as room:
        asked = await room.send("Hello")
        answer = await room.wait_answer(asked, most=20)
        assert (answer.silent, answer.over) == (True, False)
        assert await room.command(Interrupt("c")) is None


async def test_the_rooms_end_ends_the_waiting():
    pair = InMemoryRoom()
    async with ProbeRoom(pair.transport) as room:
        asked = await room.send("Hello")
        began = room.now()
        asyncio.get_running_loop().call_later(1, pair.drop, "closed")
        await room.wait_answer(asked, most=20)
        assert room.ended is not None
        assert room.now() - began < 2


async def test_a_room_that_cant_be_joined_is_left():
    pair = InMemoryRoom()

    async def refuse(*, timeout):
        raise JoinError("not today")

    pair.transport.connect = refuse
    with pytest.raises(JoinError):
        async with ProbeRoom(pair.transport):
            pass
    assert pair.transport.closed


def test_the_same_words():
    assert same_words("Hello,  World!", "hello world")
    assert not same_words("", "")
    assert not same_words("Hello", "Hello world")
