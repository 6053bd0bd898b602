from __future__ import annotations

import asyncio
import json
import sys

import pytest

from akool_async import HandlerFailed
from akool_async.errors import (
    DisconnectedError,
    InvalidParameterError,
    SendError,
    TextSourceError,
    TextTimeoutError,
)
from akool_async.stream.limits import AGORA
from akool_async.testing.in_memory_room import InMemoryRoom


def parts(pair: InMemoryRoom) -> list[dict]:
    """The parts of chats that arrived."""
    return [p for p in map(json.loads, pair.packets) if p["type"] == "chat"]


def interrupts(pair: InMemoryRoom) -> list[int]:
    """Where among all packets an interrupt arrived."""
    found = map(json.loads, pair.packets)
    return [n for n, p in enumerate(found) if p["pld"].get("cmd") == "interrupt"]


class Tokens:
    """A generator of tokens that a test feeds, and sees closed."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str | Exception | None] = asyncio.Queue()
        self.closed = False
        self.read = 0

    async def __aiter__(self):
        try:
            while (token := await self.queue.get()) is not None:
                if isinstance(token, Exception):
                    raise token
                self.read += 1
                yield token
        finally:
            self.closed = True

    def feed(self, *tokens: str | Exception | None) -> None:
        for token in tokens:
            self.queue.put_nowait(token)


def says_it(robot) -> None:
    """The avatar speaks each whole message at once."""

    def on_chat(mid: str, text: str) -> None:
        robot.event("audio_start", mid)
        robot.event("audio_end", mid)

    robot.on_chat = on_chat


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


async def test_cancelled_before_anything_left_needs_no_interrupt(scene):
    async with scene() as s:
        first, second = s.session.say("First."), s.session.say("Second.")
        await second.cancel()
        assert interrupts(s.pair) == []
        says_it(s.robot)
        assert await first.spoken()


async def test_an_iterator_that_raises_ends_interrupts_and_raises(scene):
    async with scene() as s:
        tokens = Tokens()
        utterance = s.session.say(tokens)
        tokens.feed("One. ")
        await s.robot.until(lambda: utterance.text_sent)
        tokens.feed(ValueError("the model broke"))
        with pytest.raises(ValueError, match="the model broke"):
            await utterance.spoken()
        assert utterance.state == "failed"
        await s.robot.until(lambda: interrupts(s.pair))
        assert parts(s.pair)[-1]["fin"] is True
        says_it(s.robot)
        assert await s.session.say("Still here.").spoken()


@pytest.mark.parametrize("how", ["one_message", "message_per_sentence"])
async def test_an_iterator_of_something_else_is_refused(scene, how):
    async def numbers():
        yield 7

    async with scene() as s:
        with pytest.raises(InvalidParameterError, match="the iterator gave int, give str or None"):
            await s.session.say(numbers(), split=how).spoken()


async def test_a_failure_no_one_waits_for_is_reported(scene):
    async def broken():
        yield "One. "
        raise ValueError("unseen")

    async with scene() as s:
        reported = s.session.events(HandlerFailed)
        s.session.say(broken())
        assert str((await anext(reported)).error) == "unseen"


async def test_an_iterator_that_raises_while_a_sentence_is_spoken_ends_it(scene):
    async with scene() as s:
        tokens = Tokens()
        utterance = s.session.say(tokens, split="message_per_sentence")
        tokens.feed("One. ")
        await s.robot.until(lambda: s.robot.chats)
        tokens.feed(ValueError("late"))
        with pytest.raises(ValueError, match="late"):
            await utterance.spoken()
        await s.robot.until(lambda: interrupts(s.pair))


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


async def test_an_empty_stream_says_nothing(scene):
    async def nothing():
        return
        yield ""

    async with scene() as s:
        assert await s.session.say(nothing()).spoken()
        assert s.robot.chats == []


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


async def test_closing_in_the_middle_closes_the_generator(scene):
    tokens = Tokens()
    async with scene() as s:
        utterance = s.session.say(tokens)
        tokens.feed("One. ")
        await s.robot.until(lambda: utterance.text_sent)
    assert tokens.closed
    assert utterance.done


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


async def test_nothing_is_sent_after_cancelling_whatever_the_iterator_does(scene):
    """Wrappers of language models have a broad `except`, or go on as if nothing were."""
    closed = []

    async def stubborn():
        try:
            for n in range(1000):
                try:
                    await asyncio.sleep(0.01)
                except BaseException:  # noqa: BLE001 - as such wrappers do
                    yield "Sorry, I was cut off. "
                yield f"Sentence {n}. "
        finally:
            closed.append(True)

    async with scene() as s:
        utterance = s.session.say(stubborn())
        await s.robot.until(lambda: len(parts(s.pair)) > 2)
        await utterance.cancel()
        sent = len(parts(s.pair))
        assert closed
        says_it(s.robot)
        assert await s.session.say("Next.")
        assert [p["pld"]["text"] for p in parts(s.pair)[sent:]] == ["Next."]


async def test_interrupting_closes_the_iterator(scene):
    async with scene() as s:
        tokens = Tokens()
        s.session.say(tokens)
        tokens.feed("One. ")
        await s.robot.until(lambda: parts(s.pair))
        await s.session.interrupt()
        await s.robot.until(lambda: tokens.closed)


async def test_an_iterator_whose_turn_never_came_is_closed(scene):
    class Response:
        closed = False

        def __aiter__(self):
            return self

        async def __anext__(self):
            raise StopAsyncIteration

        async def aclose(self):
            self.closed = True

    async with scene() as s:
        s.session.say("First.")
        waiting = Response()
        await s.session.say(waiting).cancel()
        assert waiting.closed


async def test_a_cancelled_error_of_the_iterator_itself_is_a_failure(scene):
    async def cancels_itself():
        yield "Let me think. "
        inner = asyncio.ensure_future(asyncio.sleep(60))
        inner.cancel()
        await inner

    async with scene() as s:
        failed = s.session.events(HandlerFailed)
        says_it(s.robot)
        first = s.session.say(cancels_itself())
        assert await s.session.say("Next.")
        assert isinstance((await anext(failed)).error, TextSourceError)
        assert first.state == "failed"
        with pytest.raises(TextSourceError, match="awaited a task or future that something else"):
            await first


async def test_a_refused_part_ends_the_utterance_at_once(scene):
    class Refusing(InMemoryRoom):
        def check_limits(self, packet):
            message = json.loads(packet)
            if message["type"] == "chat" and message["idx"] == 1:
                raise SendError("the room didn't take a packet", retryable=False)

    async with scene(Refusing()) as s:
        tokens = Tokens()
        utterance = s.session.say(tokens)
        tokens.feed("One. ", "Two. ", "Three. ", "Four. ")
        with pytest.raises(SendError):
            await utterance
        assert [p["idx"] for p in parts(s.pair)] == [0]
        await s.robot.until(lambda: interrupts(s.pair) and tokens.closed)
        assert utterance.text_sent == "One. "


@pytest.mark.parametrize("how", ["one_message", "message_per_sentence"])
async def test_an_iterator_that_stalls_holds_up_nothing_for_ever(scene, how):
    async with scene(text_timeout=0.1) as s:
        tokens = Tokens()
        says_it(s.robot)
        first, second = s.session.say(tokens, split=how), s.session.say("Second.")
        tokens.feed("The first words. ")
        with pytest.raises(TextTimeoutError, match=r"no further for 0\.1 s"):
            await first
        assert tokens.closed
        assert await second


@pytest.mark.parametrize("how", ["one_message", "message_per_sentence"])
async def test_blank_text_and_none_are_not_said(scene, how):
    async def blank():
        for piece in ("\n", None, " ", "", "\n\n"):
            yield piece

    async def deltas():
        for piece in (None, "Hello ", "", "there.", None):
            yield piece

    async with scene() as s:
        says_it(s.robot)
        assert await s.session.say(blank(), split=how)
        assert s.robot.chats == []
        assert await s.session.say(deltas(), split=how)
        assert [text for _, text in s.robot.chats] == ["Hello there."]


async def test_halves_of_a_character_join_across_pieces(scene):
    async def halves():
        for piece in ("Half ", "\ud83d", "\ude00 joined."):
            yield piece

    async with scene() as s:
        says_it(s.robot)
        assert await s.session.say(halves(), piece_bytes=3)
        assert [text for _, text in s.robot.chats] == ["Half \U0001f600 joined."]


@pytest.mark.parametrize("pieces", [["cut \ud83d"], ["\ud83d", "x"], ["\ude00"], ["a\ud83db"]])
async def test_half_a_character_is_refused(scene, pieces):
    async def cut():
        for piece in pieces:
            yield piece

    async with scene() as s:
        with pytest.raises(InvalidParameterError, match="half of a surrogate pair"):
            await s.session.say(cut())
    async with scene() as s:
        with pytest.raises(InvalidParameterError, match="surrogate"):
            s.session.say("".join(pieces))


@pytest.mark.real_clock
async def test_an_iterator_that_never_suspends_leaves_the_loop_free(scene):
    async def endless():
        while True:
            yield "word "

    async with scene() as s:
        utterance = s.session.say(endless())
        for _ in range(2_000):  # the virtual clock doesn't move while the iterator runs
            await asyncio.sleep(0)
        assert utterance.text_sent
        await utterance.cancel()


async def test_a_long_text_leaves_in_full_packets(scene):
    async with scene(InMemoryRoom(limits=AGORA)) as s:
        text = "word " * 1_000
        utterance = s.session.say(text)
        await s.robot.until(lambda: len(parts(s.pair)) > 3)
        sizes = [len(p["pld"]["text"]) for p in parts(s.pair)]
        assert min(sizes) > 800
        await utterance.cancel()


@pytest.mark.parametrize("how", ["one_message", "whole"])
async def test_a_long_text_takes_linear_effort(scene, how):
    """Four times the text takes four times the calls, and not sixteen times."""

    async def tokens(words: int):
        for n in range(words):
            yield f"word{n}, " if n % 11 else f"word{n}. "

    async def calls(words: int) -> int:
        async with scene() as s:
            await s.session.set_params(mode=1)
            s.robot.commands.clear()
            count = 0

            def called(frame, event, argument) -> None:
                nonlocal count
                count += event in ("call", "c_call")

            given = tokens(words)
            text = "".join([f"word{n}. " for n in range(words)]) if how == "whole" else given
            sys.setprofile(called)
            try:
                await s.session.say(text, delay=30).sent()
            finally:
                sys.setprofile(None)
            return count

    small, large = await calls(500), await calls(2_000)
    assert large < 5 * small


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
