"""What the avatar says, one job after another, on a clock that a test moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from settling import settle

from akool_async.simulator import Clock, ServiceBehavior
from akool_async.simulator.avatar.delivery import Paced
from akool_async.simulator.avatar.dialect import Question
from akool_async.simulator.avatar.dialect_v2 import DialectV2
from akool_async.simulator.avatar.settings import AvatarSettings
from akool_async.simulator.avatar.speech import SpeechJob
from akool_async.simulator.avatar.speech_player import SpeechPlayer
from akool_async.simulator.recording import Recording
from akool_async.testing.waiting import until


class Voice:
    """A player, and what it sent, in short: events by name, texts as they are."""

    def __init__(self, settings: AvatarSettings) -> None:
        self.sent: list[str] = []
        self.clock = settings.clock
        self.settings = settings
        dialect = DialectV2(settings.behavior)
        self.player = SpeechPlayer(
            "s1", settings, dialect, Paced(settings.clock, settings.pace), self._send
        )

    async def _send(self, packet: bytes | None) -> None:
        if packet is not None:
            payload = json.loads(packet)["pld"]
            self.sent.append(payload.get("event") or payload["text"])

    async def say(self, text: Any, mid: str = "q1", **job: Any) -> None:
        await self.player.say(SpeechJob(Question(mid, "asked"), text, **job))

    async def pass_time(self, seconds: float) -> None:
        await settle()
        self.clock.advance(seconds)
        await settle()


@asynccontextmanager
async def voice(
    *, pace: float | None = None, reply: Callable[[str], Any] = str.upper, **behavior: Any
) -> AsyncIterator[Voice]:
    settings = AvatarSettings(
        clock=Clock(running=False),
        behavior=ServiceBehavior(**behavior),
        reply=reply,
        pace=pace,
        piece_words=2,
        packets=Recording(10),
    )
    made = Voice(settings)
    task = asyncio.create_task(made.player.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert not made.player.speaking


async def test_a_job_is_said_between_its_events() -> None:
    async with voice() as avatar:
        await avatar.say("one two three")
        assert avatar.player.speaking
        await avatar.player.wait_silent()
        assert avatar.sent == ["audio_start", "one two ", "three", "audio_end"]
        assert avatar.player.said == ["one two three"]


async def test_each_word_takes_its_time() -> None:
    async with voice(pace=1.0) as avatar:
        await avatar.say("one two three")
        await avatar.pass_time(1.9)
        assert avatar.sent == ["audio_start", "one two "]
        await avatar.pass_time(0.1)
        assert avatar.sent == ["audio_start", "one two ", "three"]
        await avatar.pass_time(1.0)
        assert avatar.sent[-1] == "audio_end"
        assert not avatar.player.speaking


async def test_the_whole_text_may_be_sent_before_it_is_spoken() -> None:
    async with voice(pace=1.0) as avatar:
        await avatar.say("one two three", at_once=True)
        await settle()
        assert avatar.sent == ["audio_start", "one two ", "three"]
        assert avatar.player.said == []


async def test_a_text_may_be_spoken_without_being_sent() -> None:
    async with voice() as avatar:
        await avatar.say("one", shown=False)
        await avatar.player.wait_silent()
        assert avatar.sent == ["audio_start", "audio_end"]
        assert avatar.player.said == ["one"]


async def test_jobs_wait_for_each_other() -> None:
    async with voice(pace=1.0) as avatar:
        await avatar.say("one")
        await avatar.say("two", mid="q2")
        await avatar.pass_time(1.0)
        await avatar.pass_time(1.0)
        assert avatar.player.said == ["one", "two"]


async def test_or_the_next_one_ends_what_is_being_said() -> None:
    async with voice(pace=1.0, second_chat="interrupt") as avatar:
        await avatar.say("one two three four")
        await avatar.pass_time(2.0)
        await avatar.say("five", mid="q2")
        await avatar.pass_time(1.0)
        assert avatar.player.said == ["one two ", "five"]
        assert avatar.sent.count("audio_end") == 2


@pytest.mark.parametrize("ends", [False, True])
async def test_an_interrupt_ends_it_and_what_waits(ends: bool) -> None:
    async with voice(pace=1.0, interrupted_fin=ends) as avatar:
        await avatar.say("one two three four five")
        await avatar.say("never said", mid="q2")
        await avatar.pass_time(2.0)
        await avatar.player.interrupt()
        closing = [""] if ends else []
        assert avatar.sent == ["audio_start", "one two ", "three four ", *closing, "audio_end"]
        assert avatar.player.said == ["one two "]
        await settle()
        assert not avatar.player.speaking
        await avatar.player.interrupt()  # nothing is being said
        assert avatar.sent.count("audio_end") == 1


async def test_the_reply_function_makes_the_text() -> None:
    async with voice(reply=lambda text: f"{text}!") as avatar:
        await avatar.say(None)
        await avatar.player.wait_silent()
        assert avatar.player.said == ["asked!"]


async def test_one_that_fails_is_noted_and_the_next_job_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(text: str) -> str:
        raise OSError("no model")

    async with voice(reply=fails) as avatar:
        await avatar.say(None)
        await avatar.say("two", mid="q2")
        await avatar.player.wait_silent()
        assert [str(error) for error in avatar.settings.errors] == ["no model"]
        assert avatar.player.said == ["two"]
        assert "reply= failed in session s1" in caplog.text


async def test_an_interrupted_generator_is_closed() -> None:
    closed: list[str] = []

    async def words(text: str) -> AsyncIterator[str]:
        try:
            yield "one "
            await asyncio.Event().wait()
        finally:
            closed.append(text)

    async with voice(reply=words) as avatar:
        await avatar.say(None)
        await until(lambda: "one " in avatar.sent)
        await avatar.player.interrupt()
        assert closed == ["asked"]
        assert avatar.player.said == ["one "]


async def test_a_reply_has_the_questions_mid_or_one_of_its_own() -> None:
    for same in (True, False):
        async with voice(reply_mid="same" if same else "other") as avatar:
            job = SpeechJob(Question("q1", "asked"), "one")
            await avatar.player.say(job)
            await avatar.player.wait_silent()
            assert (job.mid == "q1") is same


async def test_a_reply_may_be_closed_by_an_empty_part() -> None:
    async with voice(empty_last_part=True) as avatar:
        await avatar.say("one")
        await avatar.player.wait_silent()
        assert avatar.sent == ["audio_start", "one", "", "audio_end"]
