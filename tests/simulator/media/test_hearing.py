"""What the avatar hears and understands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.ear import RATE
from akool_async.simulator.media.hearing import Hearing

pytestmark = pytest.mark.virtual_clock

PIECE = RATE // 50
LOUD = (8_000 * np.sin(np.arange(PIECE))).astype(np.int16)
QUIET = np.zeros(PIECE, np.int16)


class Ears:
    """A `Hearing` and what comes of it."""

    def __init__(self) -> None:
        self.turns: list[float] = []
        self.reports: list[str | None] = []
        self.errors: list[Exception] = []
        self.answers: list[str | Exception | None] = []
        self.hearing = Hearing(self._understand, end_of_turn=0.5, failed=self.errors.append)
        self.hearing.report = self._report

    async def _understand(self, turn: AudioFrame) -> str | None:
        self.turns.append(round(turn.duration, 1))
        await asyncio.sleep(0.2)
        answer = self.answers.pop(0) if self.answers else "text"
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _report(self, text: str | None) -> None:
        self.reports.append(text)

    def say(self, who: str, seconds: float, *, then_quiet: float = 1.0) -> None:
        for piece, length in ((LOUD, seconds), (QUIET, then_quiet)):
            for _ in range(round(length * 50)):
                self.hearing.hear(who, piece)


@pytest.fixture
async def ears() -> AsyncIterator[Ears]:
    ears = Ears()
    yield ears
    await ears.hearing.close()


async def test_turns_are_understood_in_their_order(ears: Ears) -> None:
    ears.answers = ["one", None, "three"]
    ears.say("me", 1.0)
    ears.say("you", 2.0)
    ears.say("me", 3.0)
    await asyncio.sleep(1)
    assert ears.turns == [1.5, 2.5, 3.6]
    assert ears.reports == ["one", None, "three"]


async def test_two_who_speak_at_once_are_kept_apart(ears: Ears) -> None:
    for _ in range(50):
        ears.hearing.hear("me", LOUD)
        ears.hearing.hear("you", QUIET)
    assert ears.hearing.heard("you").pcm == QUIET.tobytes() * 50
    assert ears.hearing.heard("me").pcm == LOUD.tobytes() * 50
    assert ears.hearing.heard() == ears.hearing.heard("me")


async def test_a_turn_ends_though_nothing_comes_any_more(ears: Ears) -> None:
    ears.say("me", 1.0, then_quiet=0)
    await asyncio.sleep(1.4)
    assert ears.turns == []
    await asyncio.sleep(1)
    assert ears.reports == ["text"]


async def test_an_ear_that_fails_is_reported_and_the_next_turn_is_heard(ears: Ears) -> None:
    ears.answers = [RuntimeError("no model"), "second"]
    ears.say("me", 1.0)
    ears.say("me", 1.0)
    await asyncio.sleep(1)
    assert [str(error) for error in ears.errors] == ["no model"]
    assert ears.reports == ["second"]


async def test_too_many_turns_at_once_are_dropped_and_counted(ears: Ears) -> None:
    for _ in range(23):
        ears.say("me", 0.2)
    await asyncio.sleep(10)
    assert (len(ears.reports), ears.hearing.dropped) == (20, 3)


async def test_a_minute_is_kept(ears: Ears) -> None:
    assert ears.hearing.heard().pcm == b""
    for _ in range(3100):
        ears.hearing.hear("me", QUIET)
    assert ears.hearing.heard().duration == 60
    with pytest.raises(KeyError, match="nothing was heard of 'you'"):
        ears.hearing.heard("you")


async def test_closed_ears_hear_nothing(ears: Ears) -> None:
    ears.say("me", 1.0)
    ears.say("me", 1.0, then_quiet=0)
    await ears.hearing.close()
    await ears.hearing.close()
    ears.say("you", 1.0)
    await asyncio.sleep(5)
    assert ears.reports == []
