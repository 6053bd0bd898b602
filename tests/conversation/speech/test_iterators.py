"""What an iterator that is said may do: raise, stall, go on when cancelled, give no text."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest
from speaking import Tokens, interrupts, parts, says_it

from akool_async import HandlerFailed
from akool_async.errors import InvalidParameterError, SendError, TextSourceError, TextTimeoutError
from akool_async.stream.limits import AGORA
from akool_async.testing.in_memory_room import InMemoryRoom


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


async def test_an_empty_stream_says_nothing(scene):
    async def nothing():
        return
        yield ""

    async with scene() as s:
        assert await s.session.say(nothing()).spoken()
        assert s.robot.chats == []


async def test_closing_in_the_middle_closes_the_generator(scene):
    tokens = Tokens()
    async with scene() as s:
        utterance = s.session.say(tokens)
        tokens.feed("One. ")
        await s.robot.until(lambda: utterance.text_sent)
    assert tokens.closed
    assert utterance.done


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
