"""Figures of turns, and the table of a session's."""

from __future__ import annotations

import asyncio
import re

from akool_async.cli.timing import TurnTimings, timing_table
from akool_async.conversation import Timing


async def test_a_turn_has_what_was_measured_before_it_ended_and_nothing_of_the_one_before():
    timings = TurnTimings()
    timings.begin_turn()
    session = timings.begin({})
    session.duration("akool.question.first_word", 0.21, {})
    session.duration("akool.join", 3, {})
    waiting = asyncio.ensure_future(timings.line())
    await asyncio.sleep(0)
    assert not waiting.done()
    session.span("akool.question", 12.34, {}, "")
    assert await waiting == "first word 210 ms, whole reply 12.3 s"
    session.duration("akool.question.first_sound", 13, {})  # after the turn's line
    timings.begin_turn()
    session.span("akool.question", 60.0, {}, "ReplyTimeoutError")  # its error is shown instead
    timings.begin_turn()
    waiting = asyncio.ensure_future(timings.line())
    await asyncio.sleep(0)
    assert not waiting.done()
    session.span("akool.question", 0.5, {}, "")
    assert await waiting == "whole reply 500 ms"


def test_a_table_of_percentiles():
    timings = {
        "question": Timing(3, 0.5, 0.6, 0.7, 0.7),
        "join": Timing(1, 0.1, 0.1, 0.1, 0.1),
        "of another part": Timing(1, 0.1, 0.1, 0.1, 0.1),
    }
    heading, join, question = timing_table(timings)
    assert heading.split() == ["how", "long", "p50", "p90", "p99", "times"]
    assert join.split() == ["join", *["100", "ms"] * 3, "1"]
    assert re.fullmatch(r"whole reply +500 ms +600 ms +700 ms +3", question)
    assert timing_table({}) == []


async def test_chat_prints_a_line_for_each_turn(akool, akool_simulator):
    chat = await akool("chat", "--timing", url=akool_simulator.url)
    chat.type("Hello\n")
    await chat.printed("(first word ")
    chat.type("/quit\n")
    await chat.printed("Closed.")
    assert await chat.ended() == 0
