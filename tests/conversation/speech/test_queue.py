from __future__ import annotations

import asyncio
import json

import pytest
from speaking import Tokens, interrupts, parts, says_it

from akool_async.errors import DisconnectedError, InvalidParameterError, SendError
from akool_async.stream.limits import AGORA
from akool_async.testing.in_memory_room import InMemoryRoom


async def test_a_text_is_said_in_retelling_mode(scene):
    async with scene() as s:
        says_it(s.robot)
        utterance = s.session.say("Good morning.")
        assert await utterance.spoken() is True
        assert (utterance.state, utterance.text_sent) == ("spoken", "Good morning.")
        assert s.robot.commands[-1]["pld"]["data"] == {"mode": 1}
        assert s.robot.chats == [(utterance.mid, "Good morning.")]
        entry = s.session.transcript[-1]
        assert (entry.role, entry.source, entry.text, entry.complete) == (
            "avatar",
            "said",
            "Good morning.",
            True,
        )
        await s.session.say("Again.").spoken()
        assert len(s.robot.named("set-params")) == 2  # the opening one, and mode 1 once


async def test_the_avatars_own_text_is_what_was_said(scene):
    async with scene() as s:

        def on_chat(mid: str, text: str) -> None:
            s.robot.event("audio_start")
            s.robot.reply("its own mid", "Good ", "morning, dear.")
            s.robot.event("audio_end")

        s.robot.on_chat = on_chat
        assert await s.session.say("Good morning.").spoken()
        assert [(e.source, e.text) for e in s.session.transcript] == [
            ("reply", "Good morning, dear.")
        ]


async def test_a_token_stream_leaves_at_sentences_and_clauses_while_it_is_written(scene):
    async with scene() as s:
        says_it(s.robot)
        tokens = Tokens()
        utterance = s.session.say(tokens, delay=30)
        tokens.feed("Well", ",", " this", " is 3", ".14", ". And")
        await s.robot.until(lambda: len(parts(s.pair)) == 2)
        tokens.feed(" so on", None)
        assert await utterance.spoken()
        assert [(p["idx"], p["fin"], p["pld"]["text"]) for p in parts(s.pair)] == [
            (0, False, "Well, "),
            (1, False, "this is 3.14. "),
            (2, True, "And so on"),
        ]
        assert len({p["mid"] for p in parts(s.pair)}) == 1
        assert tokens.closed
        assert utterance.text_sent == "Well, this is 3.14. And so on"


async def test_without_a_boundary_text_leaves_after_the_delay_or_the_size(scene):
    async with scene() as s:
        tokens = Tokens()
        s.session.say(tokens, delay=0.05)
        tokens.feed("no boundary")
        await s.robot.until(lambda: parts(s.pair))
        assert parts(s.pair)[0]["pld"]["text"] == "no boundary"
        await s.session.interrupt()
        assert tokens.closed
        sized = Tokens()
        utterance = s.session.say(sized, delay=30, piece_bytes=10)
        sized.feed("0123", "4567", "89ab")
        await s.robot.until(lambda: utterance.text_sent)
        assert utterance.text_sent == "0123456789ab"


async def test_a_message_per_sentence_waits_for_each_to_be_spoken(scene):
    async with scene() as s:
        tokens = Tokens()
        utterance = s.session.say(tokens, split="message_per_sentence")
        tokens.feed("One. ")
        await s.robot.until(lambda: s.robot.chats)
        tokens.feed("Two. Three", " is unfinished", " no more. ", None)
        await asyncio.sleep(0.05)
        assert [text for _, text in s.robot.chats] == ["One. "]
        says_it(s.robot)
        s.robot.event("audio_start")
        s.robot.event("audio_end")
        assert await utterance.spoken()
        assert "".join(text for _, text in s.robot.chats) == (
            "One. Two. Three is unfinished no more. "
        )
        assert len({mid for mid, _ in s.robot.chats}) == len(s.robot.chats) > 1
        assert utterance.text_sent == "One. Two. Three is unfinished no more. "


async def test_queued_utterances_are_held_back_until_audio_end(scene):
    async with scene() as s:
        first, second = s.session.say("First."), s.session.say("Second.")
        await first.sent()
        s.robot.event("audio_start")
        await asyncio.sleep(0.05)
        assert [text for _, text in s.robot.chats] == ["First."]
        assert second.state == "waiting"
        says_it(s.robot)
        s.robot.event("audio_end")
        assert await second.spoken()
        assert first.state == "spoken"
        assert [text for _, text in s.robot.chats] == ["First.", "Second."]


async def test_without_audio_events_a_limit_lets_the_next_one_go(scene):
    async with scene(speech_margin=0.1, words_per_second=100) as s:
        first, second = s.session.say("First."), s.session.say("Second.")
        assert await second.spoken() is True
        assert first.state == "spoken"


async def test_speech_that_began_before_is_not_taken_for_ours(scene):
    async with scene() as s:
        s.robot.event("audio_start")
        await s.session.set_params(mode=1)
        utterance = s.session.say("Ours.")
        await utterance.sent()
        s.robot.event("audio_end")
        await asyncio.sleep(0.05)
        assert utterance.state == "speaking"
        s.robot.event("audio_start")
        s.robot.event("audio_end")
        assert await utterance.spoken()


async def test_drop_says_nothing_while_something_is_being_said(scene):
    async with scene() as s:
        first = s.session.say("First.")
        dropped = s.session.say("Dropped.", drop=True)
        assert await dropped.spoken() is False
        assert dropped.state == "dropped"
        await first.sent()
        says_it(s.robot)
        await s.session.interrupt()
        assert await s.session.say("Not dropped.", drop=True).spoken()
        assert [text for _, text in s.robot.chats] == ["First.", "Not dropped."]


async def test_interrupt_cancels_what_is_said_and_what_waits(scene):
    async with scene() as s:
        first, second = s.session.say("First."), s.session.say("Second.")
        await first.sent()
        says_it(s.robot)
        third = s.session.say("Third.", interrupt=True)
        assert await third.spoken()
        assert (first.state, second.state) == ("cancelled", "cancelled")
        assert await first.spoken() is False
        assert len(interrupts(s.pair)) == 1
        assert [text for _, text in s.robot.chats] == ["First.", "Third."]
        assert [(e.text, e.interrupted) for e in s.session.transcript] == [
            ("First.", True),
            ("Third.", False),
        ]


async def test_cancel_stops_reading_and_interrupts(scene):
    async with scene() as s:
        tokens = Tokens()
        utterance = s.session.say(tokens)
        tokens.feed("One. ", "Two")
        await s.robot.until(lambda: utterance.text_sent == "One. ")
        await utterance.cancel()
        assert tokens.closed
        assert await utterance.spoken() is False
        # Without its end: an avatar that waits for it must not begin to speak.
        assert [(p["fin"], p["pld"]["text"]) for p in parts(s.pair)] == [(False, "One. ")]
        assert len(interrupts(s.pair)) == 1
        assert s.session.transcript[-1].text == "One. "
        await utterance.cancel()
        assert len(interrupts(s.pair)) == 1


@pytest.mark.parametrize("answer_first", [False, True])
async def test_audio_of_a_text_that_was_cut_off_is_not_the_next_ones(scene, answer_first):
    async with scene(speech_margin=30) as s, asyncio.timeout(10):
        await s.session.set_params(mode=1)
        s.robot.answers_commands = False
        first = s.session.say("First.")
        await s.robot.until(lambda: len(s.robot.chats) == 1)
        cancelling = asyncio.create_task(first.cancel())
        second = s.session.say("Second.")
        await s.robot.until(lambda: len(s.robot.chats) == 2)
        heard = s.session.stats.packets_received
        s.robot.event("audio_start", "of the first")
        if not answer_first:
            s.robot.event("audio_end", "of the first")
        s.robot.answer(s.robot.named("interrupt")[0]["mid"], "interrupt")
        if answer_first:
            s.robot.event("audio_end", "of the first")
        await s.robot.until(lambda: s.session.stats.packets_received == heard + 3)
        await cancelling
        assert second.state == "speaking"
        s.robot.event("audio_start", "of the second")
        s.robot.event("audio_end", "of the second")
        assert await second.spoken()


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": 7}, "text"),
        ({"text": ["a", "b"]}, "text"),
        ({"text": "a", "split": "whole"}, "split"),
        ({"text": "a", "delay": -1}, "timeout"),
        ({"text": "a", "interrupt": True, "drop": True}, "drop"),
    ],
)
async def test_wrong_calls_are_refused(scene, options, field):
    async with scene() as s:
        with pytest.raises(InvalidParameterError) as caught:
            s.session.say(**options)
        assert caught.value.field == field


async def test_the_room_dropping_fails_every_utterance(scene):
    async with scene() as s:
        tokens = Tokens()
        first, second = s.session.say(tokens), s.session.say("Second.")
        tokens.feed("One. ")
        await s.robot.until(lambda: first.text_sent)
        s.pair.drop("room_closed")
        for utterance in (first, second):
            with pytest.raises(DisconnectedError) as caught:
                await utterance.spoken()
            assert caught.value.reason == "room_closed"
    assert tokens.closed


async def test_a_packet_not_taken_fails_the_utterance(scene):
    async with scene(send_timeout=0.05) as s:
        await s.session.set_params(mode=1)
        s.pair.stuck = True
        utterance = s.session.say("Hello.")
        with pytest.raises(SendError, match="took no packet"):
            await utterance.spoken()
        s.pair.stuck = False
        says_it(s.robot)
        assert await s.session.say("Again.").spoken()


async def test_an_interrupt_leaves_at_once_behind_much_text(scene):
    async with scene(InMemoryRoom(limits=AGORA)) as s:
        await s.session.set_params(mode=1)
        utterance = s.session.say("word " * 20_000)
        await s.robot.until(lambda: len(parts(s.pair)) >= 3)
        clock = asyncio.get_running_loop().time
        asked = clock()
        await s.session.interrupt()
        # Two packet intervals, 1000 bytes at 6000 bytes a second, and slack for a busy machine.
        assert clock() - asked < 2 * 1000 / 6000 + 0.5
        assert utterance.state == "cancelled"
        before = len(parts(s.pair))
        await asyncio.sleep(0.3)
        assert len(parts(s.pair)) <= before + 1
        assert s.pair.refused == 0


async def test_ten_at_once_keep_their_order_and_the_limits(scene):
    async with scene(InMemoryRoom(limits=AGORA)) as s:
        says_it(s.robot)
        texts = [f"Utterance {n}. " + "word " * 20 for n in range(10)]
        said = [s.session.say(text) for text in texts]
        assert all([await utterance.spoken() for utterance in said])
        assert [text for _, text in s.robot.chats] == texts
        assert s.pair.refused == 0


# What a caller's iterator does.


# Whatever the avatar is saying.


async def asked_and_speaking(s) -> None:
    """The avatar speaks its answer to a question."""
    asking = asyncio.create_task(s.session.ask("Tell me a story."))
    await s.robot.until(lambda: s.robot.chats)
    s.robot.event("audio_start")
    s.robot.reply(s.robot.chats[0][0], "Once upon a time.")
    await asking


async def test_drop_and_interrupt_count_the_avatars_own_answer(scene):
    async with scene() as s:
        await asked_and_speaking(s)
        assert s.session.say("Only if it is quiet.", drop=True).state == "dropped"
        urgent = s.session.say("Stop! Fire!", interrupt=True)
        await urgent.sent()
        order = [p["pld"].get("cmd") or p["pld"]["text"] for p in map(json.loads, s.pair.packets)]
        assert order.count("interrupt") == 1
        assert order.index("interrupt") < order.index("Stop! Fire!")


async def test_drop_counts_an_answer_that_is_still_owed(scene):
    async with scene() as s:
        asking = asyncio.create_task(s.session.ask("Tell me a story."))
        await s.robot.until(lambda: s.robot.chats)
        assert s.session.say("Only if it is quiet.", drop=True).state == "dropped"
        s.robot.reply(s.robot.chats[0][0], "No.")
        await asking


async def test_the_text_behind_an_interrupt_does_not_wait_long_for_its_answer(scene):
    async with scene(interrupt_wait=0.05) as s:
        await s.session.set_params(mode=1)
        s.robot.answers_commands = False
        says_it(s.robot)
        first = s.session.say("First.", interrupt=True)
        await first.sent()
        assert len(interrupts(s.pair)) == 1


async def test_a_splitter_of_the_callers_own(scene):
    async with scene() as s:
        says_it(s.robot)
        lines = s.session.say(
            "One. Two\nThree", split="message_per_sentence", splitter=str.splitlines
        )
        assert await lines
        assert [text for _, text in s.robot.chats] == ["One. Two\n", "Three"]
        with pytest.raises(InvalidParameterError, match="can't be called") as caught:
            s.session.say("a", splitter="lines")
        assert caught.value.field == "splitter"
        with pytest.raises(InvalidParameterError, match="aren't the text"):
            await s.session.say("a", splitter=lambda text: ["b"], split="message_per_sentence")


# The caller's own loop.


async def test_tasks_that_begin_at_once(scene):
    """Python 3.12's `asyncio.eager_task_factory`; on 3.11 the same order is imitated."""

    def eager(loop, coroutine, **more):
        waiting = []
        loop.call_soon = lambda call, *args, context=None: waiting.append((call, args, context))
        try:
            task = asyncio.tasks._PyTask(coroutine, loop=loop, **more)
        finally:
            del loop.call_soon
        running = asyncio.current_task(loop)
        if running is not None:
            asyncio.tasks._leave_task(loop, running)
        try:
            for call, args, context in waiting:
                context.run(call, *args)
        finally:
            if running is not None:
                asyncio.tasks._enter_task(loop, running)
        return task

    loop = asyncio.get_running_loop()
    async with scene() as s:
        says_it(s.robot)
        loop.set_task_factory(getattr(asyncio, "eager_task_factory", eager))
        try:
            tokens = Tokens()
            tokens.feed("Two. ", "Three.", None)
            said = [
                s.session.say("One."),
                s.session.say(tokens),
                s.session.say("Four. Five.", split="message_per_sentence"),
            ]
            assert all([await utterance for utterance in said])
            assert await s.session.say("Six.", interrupt=True)
        finally:
            loop.set_task_factory(None)
        texts = [text for _, text in s.robot.chats]
        assert texts == ["One.", "Two. Three.", "Four. ", "Five.", "Six."]


async def test_another_thread_is_shown_the_way(scene):
    async with scene() as s:
        for call in (lambda: s.session.say("Hello."), lambda: s.session.stream("Hello.")):
            with pytest.raises(RuntimeError, match=r"asyncio\.run_coroutine_threadsafe"):
                await asyncio.to_thread(call)
        assert parts(s.pair) == []


async def test_leaving_the_block_with_unspoken_text_warns(scene, caplog):
    async with scene() as s:
        s.session.say("Never said.")
        s.session.say("Nor this.")
    assert "2 text(s) given to say() weren't spoken yet" in caplog.text
    assert "Never said" not in caplog.text
    caplog.clear()
    with pytest.raises(ValueError, match="the caller's"):
        async with scene() as s:
            s.session.say("Never said.")
            raise ValueError("the caller's")
    async with scene() as s:
        says_it(s.robot)
        await s.session.say("Said.")
    assert "weren't spoken" not in caplog.text
