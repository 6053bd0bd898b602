from __future__ import annotations

import asyncio

import pytest

from akool_async.conversation import AvatarSession, SessionInfo
from akool_async.errors import (
    InvalidParameterError,
    NotSupportedError,
)
from akool_async.testing.in_memory_room import InMemoryRoom


async def test_wrong_questions_are_refused(scene):
    async with scene() as s:
        for text in ("", "  ", None):
            with pytest.raises(InvalidParameterError, match="text"):
                await s.session.ask(text)
        with pytest.raises(NotSupportedError, match="set_params"):
            await s.session.ask("Hi", voice_id="v")
        with pytest.raises(NotSupportedError, match="paused"):
            await s.session.pause()
        assert s.robot.chats == []


async def test_ask_stream_and_say_are_one_conversation(scene):
    async with scene(info=SessionInfo(mode=1)) as s, asyncio.timeout(10):
        s.robot.speaks_chats()
        assert await s.session.say("One.").spoken()
        assert (await s.session.ask("Two.")).text == "Two."
        async with s.session.stream("Three.") as stream:
            assert [piece async for piece in stream] == ["Three."]
        assert stream.reply.text == "Three."
        assert [text for _, text in s.robot.chats] == ["One.", "Two.", "Three."]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": 5}, "text"),
        ({"text": "Hi", "interrupt": True, "drop": True}, "drop"),
        ({"text": "Hi", "delay": 0}, "timeout"),
        ({"text": "Hi", "split": "per_word"}, "split"),
        ({"text": "Hi", "piece_bytes": 0}, "piece_bytes"),
        ({"text": "Hi", "piece_bytes": "80"}, "piece_bytes"),
    ],
)
async def test_wrong_texts_to_say_are_refused(scene, given, field):
    async with scene() as s:
        with pytest.raises(InvalidParameterError) as caught:
            s.session.say(**given)
        assert caught.value.field == field
        assert s.robot.chats == []


async def test_there_is_one_responder_at_a_time(scene):
    async with scene() as s:
        first = s.session.respond_with(str.upper)
        with pytest.raises(InvalidParameterError, match="a responder already") as caught:
            s.session.respond_with(str.lower)
        assert caught.value.field == "function"
        await first.stop()


async def test_the_chat_room_has_no_speech_to_respond_to():
    pair = InMemoryRoom(dialect="v3")
    async with AvatarSession(pair.transport) as session:
        with pytest.raises(NotSupportedError, match="doesn't report what people say"):
            session.respond_with(str.upper)
