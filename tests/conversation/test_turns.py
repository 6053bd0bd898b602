"""Which of our messages a message of the avatar answers."""

from __future__ import annotations

import asyncio
import json

import pytest

from akool_async import ReplyDone, SessionInfo, UserSpoke
from akool_async.conversation import AvatarSession
from akool_async.errors import QuestionInterruptedError
from akool_async.stream.limits import CHATROOM
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.transport import ConnectionState


async def asked(s, text: str, **options) -> asyncio.Task:
    before = len(s.robot.chats)
    task = asyncio.create_task(s.session.ask(text, **options))
    await s.robot.until(lambda: len(s.robot.chats) > before)
    return task


async def test_a_greeting_before_the_first_reply_shifts_nothing(scene):
    async with scene(match_timeout=5) as s, asyncio.timeout(10):
        done = s.session.events(ReplyDone)
        first = await asked(s, "one")
        s.robot.reply("greeting", "WELCOME")
        second = await asked(s, "two")
        for mid, text in s.robot.chats:
            s.robot.reply(mid, text.upper())
        assert ((await first).text, (await second).text) == ("ONE", "TWO")
        assert (await first).matched_by == "mid"
        reported = [await anext(done) for _ in range(3)]
        assert [(e.text, e.question) for e in reported] == [
            ("WELCOME", None),
            ("ONE", s.robot.chats[0][0]),
            ("TWO", s.robot.chats[1][0]),
        ]


async def test_a_greeting_taken_for_a_reply_shifts_nothing_later(scene):
    async with scene(match_timeout=0.05) as s, asyncio.timeout(10):
        first = await asked(s, "one")
        s.robot.reply("greeting", "WELCOME")
        reply = await first
        assert (reply.text, reply.matched_by) == ("WELCOME", "order")
        second = await asked(s, "two")
        s.robot.reply(s.robot.chats[0][0], "ONE")  # nothing waits under this mid any more
        s.robot.reply("another greeting", "HELLO AGAIN")
        s.robot.reply("", "AND AGAIN")
        s.robot.reply(s.robot.chats[1][0], "TWO")
        assert (await second).text == "TWO"


async def test_an_avatar_with_mids_of_its_own_is_waited_for_once(scene):
    async with scene(match_timeout=0.3) as s, asyncio.timeout(10):
        s.robot.on_chat = lambda mid, text: s.robot.reply(f"own {text}", text.upper())
        assert (await s.session.ask("one")).matched_by == "order"
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert (await s.session.ask("two")).text == "TWO"
        assert loop.time() - began < 0.3


async def test_a_held_reply_comes_before_the_time_limit_ends_the_question(scene):
    async with scene(match_timeout=30) as s, asyncio.timeout(10):
        asking = await asked(s, "one", timeout=0.3)
        s.robot.reply("own", "ONE")
        assert (await asking).text == "ONE"


async def test_a_stream_begins_again_with_the_reply_that_carries_its_mid(scene):
    async with scene() as s, asyncio.timeout(10):
        stream = s.session.stream("Hello")
        pieces = [asyncio.create_task(anext(stream))]
        await s.robot.until(lambda: s.robot.chats)
        s.robot.part("greeting", 0, "Welcome! ")
        assert await pieces[0] == "Welcome! "
        s.robot.reply(s.robot.chats[0][0], "Paris ", "is ", "the capital.")
        assert [piece async for piece in stream] == ["Paris ", "is ", "the capital."]
        assert stream.text == "Paris is the capital."


async def test_a_late_reply_under_a_mid_of_ours_goes_to_no_other_question(scene):
    async with scene(lossy_timeout=0.1) as s, asyncio.timeout(10):
        first = await asked(s, "one")
        s.pair.change(ConnectionState.RECONNECTED, lossy=True)
        with pytest.raises(QuestionInterruptedError):
            await first
        second = await asked(s, "two")
        s.robot.reply(s.robot.chats[0][0], "ONE")
        s.robot.reply(s.robot.chats[1][0], "TWO")
        assert (await second).text == "TWO"


async def test_the_text_of_what_was_said_answers_no_question(scene):
    async with scene(info=SessionInfo(mode=1)) as s, asyncio.timeout(10):
        saying = s.session.say("Welcome!")
        await s.robot.until(lambda: s.robot.chats)
        s.robot.event("audio_start")
        s.robot.event("audio_end")
        await saying.spoken()
        await s.session.set_params(mode=2)
        asking = await asked(s, "how much?")
        s.robot.reply(s.robot.chats[0][0], "Welcome!")
        s.robot.reply(s.robot.chats[1][0], "Ten euros.")
        assert (await asking).text == "Ten euros."


async def test_a_text_said_under_our_mid_says_nothing_about_answers(scene):
    async with scene() as s, asyncio.timeout(10):
        s.robot.on_chat = lambda mid, text: s.robot.reply(f"own {text}", text.upper())
        assert (await s.session.ask("one")).text == "ONE"
        s.robot.on_chat = lambda mid, text: (
            s.robot.event("audio_start", mid),
            s.robot.reply(mid, text),
            s.robot.event("audio_end", mid),
        )
        assert await s.session.say("Good morning.").spoken()
        s.robot.on_chat = lambda mid, text: s.robot.reply(f"own {text}", text.upper())
        assert (await s.session.ask("two")).text == "TWO"


async def test_audio_may_name_the_avatars_own_message_of_what_it_was_given_to_say(scene):
    async with scene(info=SessionInfo(mode=1), speech_margin=60) as s, asyncio.timeout(10):
        saying = s.session.say("Good morning.")
        await s.robot.until(lambda: s.robot.chats)
        s.robot.event("audio_start", "own")
        s.robot.reply("own", "Good ", "morning.")
        s.robot.event("audio_end", "own")
        assert await saying.spoken()


async def test_in_retelling_mode_a_greeting_is_no_repetition(scene):
    async with scene(info=SessionInfo(mode=1), speech_margin=20) as s, asyncio.timeout(10):
        asking = await asked(s, "Say this")
        s.robot.reply("greeting", "Welcome!")
        s.robot.reply("own", "Say ", "this")
        assert (await asking).text == "Say this"


async def test_a_reply_under_the_mid_of_a_command_answers_no_question(scene):
    async with scene() as s, asyncio.timeout(10):
        asking = await asked(s, "one")
        s.robot.reply(s.robot.commands[0]["mid"], "My settings are fine.")
        s.robot.reply("own", "ONE")
        assert (await asking).text == "ONE"


async def test_many_questions_at_an_avatar_that_echoes_them(scene):
    async with scene() as s, asyncio.timeout(10):
        heard = s.session.events(UserSpoke)
        asks = [asyncio.create_task(s.session.ask(f"q{n}", timeout=5)) for n in range(100)]
        await s.robot.until(lambda: len(s.robot.chats) == 100)
        for mid, text in s.robot.chats:
            s.robot.reply(mid, text, sender="user")
        for mid, text in s.robot.chats:
            s.robot.reply(mid, text.upper())
        assert [(await a).text for a in asks] == [f"Q{n}" for n in range(100)]
        s.robot.reply("u", "spoken", sender="user")
        assert (await anext(heard)).text == "spoken"


async def test_speech_under_a_mid_that_is_in_use_leaves_the_question_alone(scene):
    async with scene() as s, asyncio.timeout(10):
        s.robot.reply("u1", "first words", sender="user")
        s.robot.reply("u1 ", "more words", sender="user")
        await s.robot.until(lambda: len(s.session.transcript) == 2)
        asking = await asked(s, "typed")
        s.robot.reply("x1", "to the first")
        s.robot.reply("x2", "to the others")
        s.robot.reply("x3", "to the typed one")
        assert (await asking).text == "to the typed one"


async def test_in_a_chat_room_a_frame_without_an_id_is_no_reply():
    pair = InMemoryRoom(limits=CHATROOM, dialect="v3", own_id="client_1", peer_id="server_1")

    def frame(mid: str, answer: str) -> bytes:
        payload = {"answer": answer, **({"message_id": mid} if mid else {})}
        message = {"type": "chat", "from": "server_1", "to": "client_1"}
        return json.dumps({**message, "payload": json.dumps(payload)}).encode()

    async with AvatarSession(pair.transport) as avatar, asyncio.timeout(20):
        for text in ("ONE", "TWO"):
            asking = asyncio.create_task(avatar.ask(text.lower()))
            question = json.loads(json.loads(await pair.receive())["payload"])
            if text == "TWO":
                pair.send(frame("", "by the way"))
            pair.send(frame(question["message_id"], text))
            assert (await asking).text == text
