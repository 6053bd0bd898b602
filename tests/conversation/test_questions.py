from __future__ import annotations

import asyncio
import contextlib

import pytest

from akool_async.conversation import SessionInfo
from akool_async.errors import (
    ReplyTimeoutError,
)
from akool_async.stream.limits import AGORA
from akool_async.testing.in_memory_room import InMemoryRoom


async def test_ask_returns_the_whole_reply(scene, echo):
    async with scene() as s:
        echo(s.robot)
        reply = await s.session.ask("Hello")
        assert (reply.text, reply.ended) == ("HELLO", "fin")
        assert reply.question == reply.mid == s.robot.chats[0][0]
        assert reply.first_after is not None
        assert 0 <= reply.first_after <= reply.took
        assert s.session.stats.questions == s.session.stats.replies == 1


async def test_stream_yields_pieces_as_they_come(scene):
    async with scene() as s:
        stream = s.session.stream("Hello")
        s.robot.on_chat = lambda mid, text: s.robot.part(mid, 0, "Good ")
        assert await anext(stream) == "Good "
        assert stream.reply is None
        s.robot.part(s.robot.chats[0][0], 1, "morning", True)
        assert [piece async for piece in stream] == ["morning"]
        assert stream.reply is not None
        assert stream.reply.text == stream.text == "Good morning"


async def test_a_stream_left_early_leaves_nothing_waiting(scene):
    async with scene() as s:
        s.robot.on_chat = lambda mid, text: s.robot.part(mid, 0, "Good ")
        async with s.session.stream("Hello") as stream:
            assert await anext(stream) == "Good "
        done = s.session.events()
        s.robot.part(s.robot.chats[0][0], 1, "morning", True)
        async for event in done:
            if type(event).__name__ == "ReplyDone":
                assert event.text == "Good morning"
                break


async def test_each_of_many_questions_gets_its_own_reply(scene):
    async with scene() as s:
        asks = [asyncio.create_task(s.session.ask(f"q{n}")) for n in range(20)]
        await s.robot.until(lambda: len(s.robot.chats) == 20)
        for mid, text in reversed(s.robot.chats):
            s.robot.reply(mid, "answer to ", text)
        assert [(await a).text for a in asks] == [f"answer to q{n}" for n in range(20)]


async def test_a_question_waits_until_everything_was_said(scene):
    async with scene(info=SessionInfo(mode=2)) as s, asyncio.timeout(10):
        saying = s.session.say("Good morning.")
        await s.robot.until(lambda: s.robot.chats)
        asking = asyncio.create_task(s.session.ask("How are you?"))
        with pytest.raises(ReplyTimeoutError, match="are still being spoken"):
            await s.session.ask("In a hurry", timeout=0.1)
        assert len(s.robot.chats) == 1
        s.robot.speaks_chats()
        s.robot.event("audio_start")
        s.robot.event("audio_end")
        await saying.spoken()
        await asking
        assert s.robot.chat_modes() == [1, 2]


@pytest.mark.parametrize("steps", range(1, 12))
async def test_ask_cancelled_at_each_of_its_awaits_leaves_nothing(scene, echo, steps):
    """Cancelled after `steps` turns of the loop, wherever that is, and the session goes on."""
    async with scene(InMemoryRoom(limits=AGORA)) as s:
        echo(s.robot)
        before = asyncio.all_tasks()
        asking = asyncio.create_task(s.session.ask("cancelled " * 300))
        for _ in range(steps):
            await asyncio.sleep(0)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        assert asyncio.all_tasks() == before
        assert (await s.session.ask("and on")).text == "AND ON"
        conversation = s.session._conversation
        assert conversation.driver.outbox.waiting_bytes == 0
        assert not [turn for turn in conversation.turns if turn.future.done() is False]


@pytest.mark.parametrize("mode", [None, 2])
async def test_a_text_that_was_given_to_say_first_is_said_first(scene, mode):
    async with scene(info=SessionInfo(mode=mode)) as s, asyncio.timeout(10):
        s.robot.speaks_chats()
        said = s.session.say("Welcome.")
        await s.session.ask("What is it?")
        assert [text for _, text in s.robot.chats] == ["Welcome.", "What is it?"]
        assert s.robot.chat_modes() == [1, 2]
        assert said.state == "spoken"


async def test_in_retelling_mode_a_question_waits_for_no_text(scene):
    async with scene(info=SessionInfo(mode=1), speech_margin=20) as s, asyncio.timeout(10):
        s.session.say("Welcome.")
        asking = asyncio.create_task(s.session.ask("Say this"))
        await s.robot.until(lambda: len(s.robot.chats) == 2)
        asking.cancel()
