"""A packet that the room has and didn't confirm yet: what the avatar does about it may come first.

`Transport.send` returns when the room says that it took a packet, over another way than the
avatar's answer takes. Over a real LiveKit room on a busy machine the answer won 8 of 240 times.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from akool_async import SessionInfo
from akool_async.errors import SendError


@asynccontextmanager
async def unconfirmed(s):
    """While inside, what is sent arrives and isn't confirmed."""
    s.pair.confirming.clear()
    try:
        yield
    finally:
        s.pair.confirming.set()


async def flying(s, start, *args, **options):
    """Starts something that sends a chat, which arrives and isn't confirmed."""
    before = len(s.robot.chats)
    task = asyncio.create_task(start(*args, **options))
    await s.robot.until(lambda: len(s.robot.chats) > before)
    return task


def spoken(s) -> list[tuple[str, str, str]]:
    return [(entry.role, entry.source, entry.text) for entry in s.session.transcript]


async def test_a_reply_under_its_own_mid_answers_a_question_that_was_not_confirmed(scene):
    async with scene() as s, asyncio.timeout(10):
        async with unconfirmed(s):
            question = await flying(s, s.session.ask, "one")
            s.robot.reply("x1", "fi", "rst")
            assert (await question).text == "first"
        s.robot.on_chat = lambda mid, text: s.robot.reply("x2", "second")
        assert (await s.session.ask("two")).text == "second"
        assert spoken(s) == [
            ("user", "typed", "one"),
            ("avatar", "reply", "first"),
            ("user", "typed", "two"),
            ("avatar", "reply", "second"),
        ]


async def test_a_stream_gets_the_pieces_of_an_answer_to_a_question_not_confirmed(scene):
    async with scene() as s, asyncio.timeout(10), unconfirmed(s):
        s.robot.on_chat = lambda mid, text: s.robot.reply("x1", "fi", "rst")
        assert [piece async for piece in s.session.stream("one")] == ["fi", "rst"]


async def test_retelling_without_a_text_ends_with_audio_that_came_before_confirmation(scene):
    # Saying it may take 20 s and more; only `audio_end` ends it sooner.
    info = SessionInfo(mode=1)
    async with scene(info=info, speech_margin=20) as s, asyncio.timeout(10):
        async with unconfirmed(s):
            question = await flying(s, s.session.ask, "Say this")
            s.robot.event("audio_start")
            s.robot.event("audio_end")
            await s.robot.until(lambda: s.session.stats.packets_received >= 3)
        reply = await question
        assert (reply.text, reply.ended) == ("Say this", "audio_end")


async def test_cancelled_in_flight_a_question_takes_its_late_reply_along(scene):
    async with scene() as s, asyncio.timeout(10):
        async with unconfirmed(s):
            first = await flying(s, s.session.ask, "one")
            first.cancel()
            await asyncio.wait([first])
        second = await flying(s, s.session.ask, "two")
        s.robot.reply("x1", "late answer to one")
        s.robot.reply("x2", "second")
        assert (await second).text == "second"
        assert spoken(s)[:2] == [("user", "typed", "one"), ("user", "typed", "two")]


async def test_a_question_that_was_never_confirmed_fails_and_is_no_part_of_the_transcript(scene):
    async with scene(send_timeout=0.1) as s, asyncio.timeout(10):
        async with unconfirmed(s):
            with pytest.raises(SendError, match="confirmed no packet"):
                await s.session.ask("one")
        s.robot.on_chat = lambda mid, text: s.robot.reply(mid, "second")
        assert (await s.session.ask("two")).text == "second"
        assert spoken(s) == [("user", "typed", "two"), ("avatar", "reply", "second")]


async def test_cancelled_and_then_refused_a_question_is_no_part_of_the_transcript(scene):
    async with scene(send_timeout=1) as s, asyncio.timeout(10), unconfirmed(s):
        first = await flying(s, s.session.ask, "one")
        first.cancel()
        await asyncio.wait([first])
        assert spoken(s) == [("user", "typed", "one")]
        await s.robot.until(lambda: not spoken(s))


async def test_a_text_not_confirmed_is_spoken_when_the_avatar_says_so(scene):
    async with scene(speech_margin=20) as s, asyncio.timeout(10):
        await s.session.set_params(mode=1)
        async with unconfirmed(s):
            saying = await flying(s, lambda: s.session.say("Good morning.").spoken())
            s.robot.event("audio_start")
            s.robot.event("audio_end")
            await s.robot.until(lambda: s.session.stats.packets_received >= 4)
        assert await saying
        assert spoken(s) == [("avatar", "said", "Good morning.")]


async def test_an_avatar_that_retells_before_confirmation_says_it_once(scene):
    async with scene(speech_margin=20) as s, asyncio.timeout(10):
        await s.session.set_params(mode=1)
        async with unconfirmed(s):
            saying = await flying(s, lambda: s.session.say("Good morning.").spoken())
            mid = s.robot.chats[0][0]
            s.robot.event("audio_start", mid)
            s.robot.reply(mid, "Good ", "morning.")
            s.robot.event("audio_end", mid)
            await s.robot.until(lambda: s.session.stats.packets_received >= 6)
        assert await saying
        assert spoken(s) == [("avatar", "reply", "Good morning.")]


async def test_cancelled_in_flight_a_text_is_interrupted(scene):
    async with scene() as s, asyncio.timeout(10):
        await s.session.set_params(mode=1)
        async with unconfirmed(s):
            utterance = s.session.say("Good morning.")
            await s.robot.until(lambda: s.robot.chats)
            cancelling = asyncio.create_task(utterance.cancel())
            await s.robot.until(lambda: utterance.done)
            assert utterance.text_sent == "Good morning."
        await cancelling
        assert len(s.robot.named("interrupt")) == 1
        entry = s.session.transcript[0]
        assert (entry.text, entry.interrupted) == ("Good morning.", True)


async def test_a_text_that_was_never_confirmed_was_not_sent(scene):
    async with scene(send_timeout=0.1) as s, asyncio.timeout(10):
        await s.session.set_params(mode=1)
        async with unconfirmed(s):
            utterance = s.session.say("Good morning.")
            with pytest.raises(SendError, match="confirmed no packet"):
                await utterance.spoken()
        assert (utterance.text_sent, spoken(s)) == ("", [])


async def test_what_the_room_took_before_it_refused_stays_in_the_transcript(scene):
    async with scene(send_timeout=0.1) as s, asyncio.timeout(10):
        await s.session.set_params(mode=1)

        async def tokens():
            yield "Good morning. "
            await s.robot.until(lambda: s.session.transcript)
            s.pair.stuck = True
            yield "How are you?"

        utterance = s.session.say(tokens())
        with pytest.raises(SendError, match="took no packet"):
            await utterance.spoken()
        assert utterance.text_sent == "Good morning. "
        s.pair.stuck = False
        assert spoken(s) == [("avatar", "said", "Good morning. ")]
