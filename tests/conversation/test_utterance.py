from __future__ import annotations

import asyncio
import json

import pytest

from akool_async import HandlerFailed
from akool_async.errors import DisconnectedError, InvalidParameterError, SendError
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
        utterance = s.session.say(tokens, parts="message_per_sentence")
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
        await first
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
        await utterance
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
        await first
        says_it(s.robot)
        await s.session.interrupt()
        assert await s.session.say("Not dropped.", drop=True).spoken()
        assert [text for _, text in s.robot.chats] == ["First.", "Not dropped."]


async def test_interrupt_cancels_what_is_said_and_what_waits(scene):
    async with scene() as s:
        first, second = s.session.say("First."), s.session.say("Second.")
        await first
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
        with pytest.raises(InvalidParameterError, match="the iterator gave int, not str"):
            await s.session.say(numbers(), parts=how).spoken()


async def test_a_failure_nobody_waits_for_is_told(scene):
    async def broken():
        yield "One. "
        raise ValueError("unseen")

    async with scene() as s:
        told = s.session.events(HandlerFailed)
        s.session.say(broken())
        assert str((await anext(told)).error) == "unseen"


async def test_an_iterator_that_raises_while_a_sentence_is_spoken_ends_it(scene):
    async with scene() as s:
        tokens = Tokens()
        utterance = s.session.say(tokens, parts="message_per_sentence")
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
        ({"text": "a", "parts": "whole"}, "parts"),
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
