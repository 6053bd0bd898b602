"""What the avatar may answer, without a conversation around it."""

from __future__ import annotations

import asyncio

import pytest

from akool_async.conversation.pending import HeardSpeech, Question, RetoldText, plain
from akool_async.conversation.transcript import Transcript
from akool_async.errors import ReplyTimeoutError
from akool_async.events import Reply

REPLY = Reply("Because.", "q1", "fin")


def question(text: str = "Why?", *, retelling: bool = False) -> Question:
    entry = Transcript(limit=10).add("user", "typed", text, mid="q1")
    return Question("q1", text, now=5.0, timeout=10.0, entry=entry, retelling=retelling)


def test_case_and_spaces_do_not_count() -> None:
    assert plain("  Stra\u00dfe \n AB ") == plain("strasse ab")
    assert plain("a b") != plain("ab")


async def test_a_question_is_waited_for_until_its_time_is_up() -> None:
    asked = question()
    assert (asked.asked, asked.expires, asked.kind) == (5.0, 15.0, "question")
    assert not asked.handed_over
    asked.sending_started = 0  # the first packet of all
    assert asked.handed_over


async def test_a_reply_is_handed_over_once() -> None:
    asked = question()
    asked.resolve(REPLY)
    asked.resolve(Reply("Another.", "q2", "fin"))
    asked.fail(ReplyTimeoutError("late"))
    assert await asked.future is REPLY


async def test_an_error_is_handed_over_once() -> None:
    asked = question()
    asked.fail(ReplyTimeoutError("late"))
    asked.resolve(REPLY)
    with pytest.raises(ReplyTimeoutError, match="late"):
        await asked.future


async def test_the_end_is_a_change() -> None:
    for end in (lambda one: one.resolve(REPLY), lambda one: one.fail(ReplyTimeoutError("late"))):
        asked = question()
        waiting = asyncio.create_task(asked.change.wait())
        await asyncio.sleep(0)
        end(asked)
        await waiting


async def test_an_interrupt_answered_after_it_shows() -> None:
    asked = question()
    assert not asked.interrupted
    asked.assumed_done_at = (9.0, "quiet")
    assert not asked.interrupted
    asked.assumed_done_at = (9.0, "interrupted")
    assert asked.interrupted


async def test_in_retelling_mode_the_question_is_repeated() -> None:
    asked = question("Good Morning", retelling=True)
    assert asked.retold
    assert asked.kind == "retold_question"
    assert asked.takes_echo("good")
    assert not asked.takes_echo("good")  # it came back already
    assert asked.takes_echo("morning")
    assert not asked.takes_echo("x")


async def test_a_part_of_a_word_is_no_echo_and_accents_may_be_written_otherwise() -> None:
    asked = question("Nothing happened at the Cafe\u0301, sir", retelling=False)
    assert not asked.takes_echo(plain("No"))
    assert asked.takes_echo(plain("Nothing happened"))
    assert asked.takes_echo(plain("at the Caf\u00e9"))
    assert question("\u4f60\u597d\u5417", retelling=False).takes_echo("\u4f60\u597d")


async def test_a_text_said_has_what_was_sent_until_it_is_known() -> None:
    text = RetoldText("m1", now=0.0)
    assert (text.said(), text.closed, text.retold, text.kind) == ("", False, True, "retold")
    text.entry = Transcript(limit=10).begin("avatar", "said", mid="m1")
    text.entry.text = "Good"
    assert text.said() == "Good"
    text.text = "Good morning"
    assert text.said() == "Good morning"
    text.abandoned = True
    assert text.closed
    assert not text.takes_echo("good")


async def test_speech_was_sent_before_it_was_heard() -> None:
    speech = HeardSpeech("u1", "Hello", now=0.0, timeout=5.0, tick=3)
    assert speech.handed_over
    assert (speech.sent, speech.kind, speech.retold) == (True, "speech", False)
    assert not speech.takes_echo("hello")  # a person may repeat it
