"""Which message answers what, and when it is over: what the personalities don't reach."""

from __future__ import annotations

import asyncio

import pytest

from akool_async import (
    MessageLate,
    ReplyDone,
    ReplyIncomplete,
    SessionInfo,
    UnknownReceived,
    UserSpoke,
)
from akool_async.errors import CommandRejectedError, ReplyIncompleteError, ReplyTimeoutError
from akool_async.stream.limits import AGORA, LIVEKIT
from akool_async.testing.in_memory_room import InMemoryRoom


async def asked(s, text: str, **options) -> asyncio.Task:
    before = len(s.robot.chats)
    task = asyncio.create_task(s.session.ask(text, **options))
    await s.robot.until(lambda: len(s.robot.chats) > before)
    return task


async def test_without_its_mid_the_first_message_answers_the_oldest_question(scene):
    async with scene() as s:
        first, second = await asked(s, "one"), await asked(s, "two")
        s.robot.reply("x1", "first")
        s.robot.reply("x2", "second")
        assert ((await first).text, (await second).text) == ("first", "second")
        assert (await first).mid == "x1"


async def test_a_message_from_before_the_question_is_not_its_reply(scene):
    async with scene() as s:
        s.robot.part("greeting", 0, "Wel")
        await s.robot.until(lambda: s.session.transcript)
        first = await asked(s, "one")
        s.robot.part("greeting", 1, "come", True)
        s.robot.reply("x1", "first")
        assert (await first).text == "first"


@pytest.mark.parametrize("first_part_comes", [False, True])
async def test_a_message_whose_first_part_was_lost_is_from_before_the_question(
    scene, first_part_comes
):
    async with scene() as s:
        s.robot.part("old", 1, "half of ")
        s.robot.part("old", 2, "it")
        s.robot.reply("other", "before it")  # what came earlier was taken
        await s.robot.until(lambda: s.session.transcript)
        first = await asked(s, "one")
        events = s.session.events(ReplyDone, ReplyIncomplete)
        if first_part_comes:
            s.robot.part("old", 0, "The other ")
            s.robot.part("old", 3, ".", True)
        old = await anext(events)  # given up after ten seconds without another part
        assert isinstance(old, ReplyDone if first_part_comes else ReplyIncomplete)
        assert not first.done()
        s.robot.reply("x1", "first")
        assert (await first).text == "first"


async def test_the_questions_own_mid_wins_over_the_order(scene):
    async with scene() as s:
        first = await asked(s, "one")
        s.robot.part("unasked", 0, "By the ")
        s.robot.reply(s.robot.chats[0][0], "first")
        assert (await first).text == "first"
        s.robot.part("unasked", 1, "way", True)
        second = await asked(s, "two")
        s.robot.reply("another", "unasked, too")  # replies of this avatar carry the mid
        s.robot.reply(s.robot.chats[1][0], "second")
        assert (await second).text == "second"


async def test_a_cancelled_question_takes_its_late_reply_along(scene):
    async with scene() as s:
        first = await asked(s, "one")
        first.cancel()
        await asyncio.sleep(0)
        second = await asked(s, "two")
        s.robot.reply("x1", "late answer to one")
        s.robot.reply("x2", "second")
        assert (await second).text == "second"


async def test_no_reply_or_no_end_of_it_in_time(scene):
    async with scene(quiet_time=5) as s:
        with pytest.raises(ReplyTimeoutError, match=r"no reply to a question within 0\.1 s"):
            await s.session.ask("one", timeout=0.1)
        second = await asked(s, "two", timeout=0.3)
        s.robot.part(s.robot.chats[1][0], 0, "So f")
        with pytest.raises(ReplyTimeoutError, match="no end of the reply") as caught:
            await second
        assert caught.value.text == "So f"


async def test_lost_parts_are_reported_with_what_is_missing(scene):
    async with scene() as s:
        events = s.session.events(ReplyIncomplete)
        asking = await asked(s, "one")
        mid = s.robot.chats[0][0]
        s.robot.part(mid, 0, "A")
        s.robot.part(mid, 2, "C", True)
        with pytest.raises(ReplyIncompleteError, match="numbers 1") as caught:
            await asking
        assert (caught.value.text, caught.value.missing) == ("AC", (1,))
        event = await anext(events)
        assert (event.text, event.missing, event.question) == ("AC", (1,), mid)
        entry = s.session.transcript[-1]
        assert (entry.text, entry.complete) == ("AC", False)
        assert s.session.stats.incomplete_replies == 1


async def test_on_an_unreliable_transport_a_missing_end_is_a_lost_one(scene):
    async with scene(InMemoryRoom(limits=AGORA)) as s:
        first = await asked(s, "one")
        s.robot.reply(s.robot.chats[0][0], "whole")
        assert (await first).ended == "fin"
        second = await asked(s, "two")
        s.robot.part(s.robot.chats[1][0], 0, "No end")
        with pytest.raises(ReplyIncompleteError) as caught:
            await second
        assert (caught.value.text, caught.value.missing) == ("No end", (1,))


async def test_an_avatar_that_marks_ends_and_falls_silent_gave_half_a_reply(scene):
    async with scene() as s:
        s.robot.on_chat = lambda mid, _: s.robot.part(mid, 0, "Whole.", True)
        await s.session.ask("One?")
        s.robot.on_chat = lambda mid, _: s.robot.part(mid, 0, "It is ten to", False)
        with pytest.raises(ReplyIncompleteError, match="its last part didn't come") as raised:
            await s.session.ask("What time is it?")
        assert (raised.value.text, raised.value.missing) == ("It is ten to", (1,))
        assert not s.session.transcript[-1].complete


async def test_parts_after_the_end_are_reported_as_late(scene):
    async with scene() as s:
        late = s.session.events(MessageLate)
        first = await asked(s, "one")
        s.robot.reply(s.robot.chats[0][0], "done")
        await first
        s.robot.part(s.robot.chats[0][0], 1, "more", True)
        event = await anext(late)
        assert (event.text, event.idx) == ("more", 1)
        assert s.session.stats.late_parts == 1


async def test_what_no_one_asked_for_is_reported_and_in_the_transcript(scene):
    async with scene() as s:
        done = s.session.events(ReplyDone)
        s.robot.reply("hi", "Wel", "come!")
        event = await anext(done)
        assert (event.text, event.question) == ("Welcome!", None)
        assert s.session.transcript[-1].text == "Welcome!"


async def test_an_echo_is_no_speech_but_the_same_words_spoken_are(scene):
    async with scene() as s:
        heard = s.session.events(UserSpoke)
        await asked(s, "Hello  there")
        s.robot.reply("e1", "hello there", sender="user")
        s.robot.reply("e2", "hello there", sender="user")
        s.robot.reply("e3", "bye", sender="user")
        assert [(await anext(heard)).mid for _ in range(2)] == ["e2", "e3"]


async def test_what_is_not_understood_is_reported(scene):
    async with scene() as s:
        unknown = s.session.events(UnknownReceived)
        s.pair.send(b"not json")
        s.robot.send(type="event", mid="", pld={"event": "sneeze"})
        s.robot.send(type="chat", mid="m", idx=0, fin=True, pld={"text": "whose?"})
        s.robot.send(type="command", mid="m", pld={"cmd": "interrupt"})
        reported = [await anext(unknown) for _ in range(4)]
        assert reported[0].raw == b"not json"
        assert "sneeze" in reported[1].reason
        assert "neither bot nor user" in reported[2].reason
        assert s.session.stats.unknown_packets == 4


async def test_a_reply_to_speech_does_not_go_to_a_later_question(scene):
    async with scene() as s:
        s.robot.reply("u1", "spoken question", sender="user")
        await s.robot.until(lambda: s.session.transcript)
        first = await asked(s, "typed question")
        s.robot.reply("x1", "spoken answer")
        s.robot.reply("x2", "typed answer")
        assert (await first).text == "typed answer"


async def test_audio_that_began_before_a_message_does_not_end_it(scene):
    async with scene(audio_end_timeout=0.05, quiet_time=5) as s, asyncio.timeout(10):
        s.robot.event("audio_start")
        asking = await asked(s, "What is it?")
        mid = s.robot.chats[0][0]
        s.robot.part(mid, 0, "It isn't ", None)
        s.robot.event("audio_end")  # of what was said before
        await asyncio.sleep(0.2)
        s.robot.part(mid, 1, "dangerous.", None)
        s.robot.event("audio_start")
        s.robot.event("audio_end")
        reply = await asking
        assert (reply.text, reply.ended) == ("It isn't dangerous.", "audio_end")


async def test_audio_of_another_known_message_ends_nothing(scene):
    async with scene(InMemoryRoom(limits=AGORA), audio_end_timeout=0.05, quiet_time=5) as s:
        s.robot.reply("greeting", "Welcome!")
        asking = await asked(s, "What is it?")
        mid = s.robot.chats[0][0]
        s.robot.part(mid, 0, "It isn't ", False)
        s.robot.event("audio_start", "greeting")
        s.robot.event("audio_end", "greeting")
        await asyncio.sleep(0.2)
        s.robot.part(mid, 1, "dangerous.", True)
        assert (await asking).text == "It isn't dangerous."


@pytest.mark.parametrize("foreign", ["", "greeting", "said"])
async def test_audio_of_something_else_is_not_the_text_that_was_asked_to_be_said(scene, foreign):
    info = SessionInfo(mode=1)
    async with scene(info=info, speech_margin=20) as s, asyncio.timeout(10):
        s.robot.reply("greeting", "Welcome!")
        saying = s.session.say("Something before.")
        await s.robot.until(lambda: s.robot.chats)
        said = s.robot.chats[0][0]
        name = said if foreign == "said" else foreign
        s.robot.event("audio_start", name)
        if foreign != "said":
            await saying.cancel()
        asking = await asked(s, "Say this")
        s.robot.event("audio_end", name)
        await asyncio.sleep(0.3)
        assert not asking.done()
        s.robot.event("audio_start")
        s.robot.event("audio_end")
        reply = await asking
        assert (reply.text, reply.ended) == ("Say this", "audio_end")


@pytest.mark.parametrize(("named", "matched_by"), [(True, "mid"), (False, "order")])
async def test_a_reply_without_a_text_says_how_it_was_recognised(scene, named, matched_by):
    info = SessionInfo(mode=1)
    async with scene(info=info, speech_margin=20) as s, asyncio.timeout(10):
        asking = await asked(s, "Say this")
        name = s.robot.chats[0][0] if named else ""
        s.robot.event("audio_start", name)
        s.robot.event("audio_end", name)
        assert (await asking).matched_by == matched_by


async def test_two_texts_to_be_said_each_end_with_their_own_audio(scene):
    info = SessionInfo(mode=1)
    async with scene(info=info, speech_margin=20, audio_end_timeout=0.3) as s, asyncio.timeout(10):
        asks = [await asked(s, f"Say {n}") for n in range(2)]
        for _ in asks:
            s.robot.event("audio_start")
            s.robot.event("audio_end")
        assert [(await a).ended for a in asks] == ["audio_end", "audio_end"]


@pytest.mark.parametrize("limits", [LIVEKIT, AGORA], ids=["reliable", "unreliable"])
@pytest.mark.parametrize("fin", [None, True], ids=["no end", "fin"])
async def test_a_reply_cut_by_an_interrupt_says_so(scene, limits, fin):
    async with scene(InMemoryRoom(limits=limits)) as s, asyncio.timeout(10):
        s.robot.reply("hi", "This avatar ", "sends fin.")
        asking = await asked(s, "Tell me")
        mid = s.robot.chats[0][0]
        s.robot.part(mid, 0, "Once upon ")
        await s.robot.until(lambda: s.session.transcript[-1].text == "Once upon ")
        await s.session.interrupt()
        s.robot.part(mid, 1, "a time ", fin)
        reply = await asking
        assert (reply.text, reply.ended) == ("Once upon a time ", "interrupted")
        assert s.session.transcript[-1].interrupted
        assert s.session.stats.incomplete_replies == 0


@pytest.mark.parametrize("limits", [LIVEKIT, AGORA], ids=["reliable", "unreliable"])
async def test_a_reply_that_ends_before_the_interrupt_is_answered_is_cut_by_it(scene, limits):
    async with scene(InMemoryRoom(limits=limits)) as s, asyncio.timeout(10):
        asking = await asked(s, "Tell me")
        mid = s.robot.chats[0][0]
        s.robot.part(mid, 0, "Once upon ")
        await s.robot.until(lambda: s.session.transcript[-1].text == "Once upon ")
        s.robot.on_command = lambda cmd: s.robot.part(mid, 1, "", True)
        await s.session.interrupt()
        reply = await asking
        assert (reply.text, reply.ended) == ("Once upon ", "interrupted")
        assert s.session.transcript[-1].interrupted
        # The next one isn't.
        s.robot.on_command = None
        s.robot.on_chat = lambda mid, _: s.robot.reply(mid, "All ", "of it.")
        assert (await s.session.ask("Again?")).ended == "fin"


async def test_a_refused_interrupt_cuts_nothing(scene):
    async with scene() as s, asyncio.timeout(10):
        asking = await asked(s, "Tell me")
        mid = s.robot.chats[0][0]
        s.robot.part(mid, 0, "Once upon ")
        s.robot.answers_commands = False
        s.robot.on_command = lambda cmd: s.robot.answer(s.robot.commands[-1]["mid"], cmd, 1003)
        with pytest.raises(CommandRejectedError):
            await s.session.interrupt()
        s.robot.part(mid, 1, "a time", True)
        reply = await asking
        assert (reply.text, reply.ended) == ("Once upon a time", "fin")


async def test_a_reply_in_one_packet_on_its_way_with_an_interrupt_is_whole(scene):
    async with scene() as s, asyncio.timeout(10):
        asking = await asked(s, "Tell me")
        s.robot.on_command = lambda cmd: s.robot.reply(s.robot.chats[0][0], "Whole.")
        await s.session.interrupt()
        assert (await asking).ended == "fin"


async def test_an_audio_end_of_a_text_that_came_ends_no_other_question(scene):
    info = SessionInfo(mode=1)
    async with scene(info=info, speech_margin=20, quiet_time=5) as s, asyncio.timeout(30):
        first, second = await asked(s, "First text."), await asked(s, "Second text.")
        s.robot.part("x1", 0, "First text.", None)
        s.robot.event("audio_start")
        s.robot.event("audio_end")
        assert (await first).text == "First text."
        await asyncio.sleep(1)
        assert not second.done()
        s.robot.event("audio_start")
        s.robot.event("audio_end")
        assert ((await second).text, (await second).ended) == ("Second text.", "audio_end")
