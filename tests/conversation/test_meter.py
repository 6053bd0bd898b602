"""Durations of a conversation, exact because they are taken on the virtual clock."""

from __future__ import annotations

import asyncio
import logging

import pytest

from akool_async import ReplyTimeoutError
from akool_async.conversation.meter import Meter
from akool_async.testing.waiting import until


class Measured:
    """Measurements that are kept as they come."""

    def __init__(self) -> None:
        self.durations: list[tuple[str, float]] = []
        self.spans: list[tuple[str, float, str]] = []
        self.counts: dict[str, int] = {}
        self.ended: list[str] = []
        self.identified: dict[str, object] = {}

    def begin(self, attributes):
        assert attributes["gen_ai.provider.name"] == "akool"
        return self

    def identify(self, attributes):
        self.identified.update(attributes)

    def duration(self, name, seconds, attributes):
        self.durations.append((name, seconds))

    def span(self, name, seconds, attributes, error):
        self.spans.append((name, seconds, error))

    def count(self, name, amount, attributes):
        self.counts[name] = amount

    def end(self, error):
        self.ended.append(error)

    def named(self, name):
        return [seconds for known, seconds in self.durations if known == name]


async def test_a_question_from_asking_to_its_first_word_its_first_sound_and_its_end(scene):
    measured = Measured()
    async with scene(telemetry=measured, quiet_time=2.0) as s:
        loop = asyncio.get_running_loop()

        def answer(mid, text):
            loop.call_later(0.25, s.robot.part, mid, 0, "Hello ", False)
            loop.call_later(0.5, s.robot.event, "audio_start", mid)
            loop.call_later(1.0, s.robot.part, mid, 1, "there.", True)

        s.robot.on_chat = answer
        await s.session.ask("Who are you?")
        assert measured.named("akool.question.first_word") == [pytest.approx(0.25, abs=0.01)]
        assert measured.named("akool.question.first_sound") == [pytest.approx(0.5, abs=0.01)]
        assert measured.named("akool.question") == [pytest.approx(1.0, abs=0.01)]
        timing = s.session.stats.timings["question"]
        assert (timing.count, timing.p50, timing.longest) == (
            1,
            *[pytest.approx(1.0, abs=0.01)] * 2,
        )
    assert measured.ended == [""]
    assert measured.counts["akool.packets_sent"] == s.session.stats.packets_sent > 0
    assert {name for name, _, _ in measured.spans} >= {
        "akool.join", "akool.ready", "akool.command", "akool.question", "akool.close",
    }  # fmt: skip


async def test_a_question_that_fails_is_a_span_with_its_error_and_no_duration(scene):
    measured = Measured()
    async with scene(telemetry=measured, silence_after=None) as s:
        with pytest.raises(ReplyTimeoutError):
            await s.session.ask("Anyone?", timeout=2)
    assert ("akool.question", pytest.approx(2.0, abs=0.01), "ReplyTimeoutError") in measured.spans
    assert measured.named("akool.question") == []
    assert "question" not in s.session.stats.timings


async def test_from_recognised_speech_to_interrupt_and_to_the_bots_first_word(scene):
    measured = Measured()

    async def answers(turn):
        await asyncio.sleep(0.4)
        yield "I heard you. "

    def install(s):
        s.session.respond_with(answers)

    async with scene(telemetry=measured, before_opening=install) as s:
        s.robot.reply("u1", "Are you there?", sender="user")
        await until(lambda: measured.named("akool.speech.to_first_word"))
        assert measured.named("akool.speech.to_interrupt") == [pytest.approx(0.0, abs=0.01)]
        assert measured.named("akool.speech.to_first_word")[0] >= 0.4


async def test_from_an_interrupt_to_silence(scene):
    measured = Measured()
    async with scene(telemetry=measured) as s:
        s.robot.event("audio_start", "m")
        await until(lambda: s.session._conversation.meter.latencies._speaking)
        interrupting = asyncio.create_task(s.session.interrupt())
        asyncio.get_running_loop().call_later(0.3, s.robot.event, "audio_end", "m")
        await until(lambda: measured.named("akool.interrupt.to_silence"))
        await interrupting
        assert measured.named("akool.interrupt.to_silence") == [pytest.approx(0.3, abs=0.02)]


async def test_a_sound_that_comes_late_belongs_to_the_question_that_it_names(scene):
    measured = Measured()
    async with scene(telemetry=measured, silence_after=None) as s:
        later = asyncio.get_running_loop().call_later
        with pytest.raises(ReplyTimeoutError):
            await s.session.ask("Anyone?", timeout=5)
        s.robot.event("audio_start", "of something else")  # names no question, and none waits
        s.robot.event("audio_end", "of something else")
        await asyncio.sleep(1)

        def answer(mid, text):
            s.robot.reply(mid, "Here.")
            later(0.5, s.robot.event, "audio_start", mid)

        s.robot.on_chat = answer
        await s.session.ask("And now?")
        await until(lambda: measured.named("akool.question.first_sound"))
    assert measured.named("akool.question.first_sound") == [pytest.approx(0.5, abs=0.01)]


async def test_a_stream_that_is_left_has_its_first_word_and_a_span(scene):
    measured = Measured()
    async with scene(telemetry=measured) as s:
        later = asyncio.get_running_loop().call_later
        s.robot.on_chat = lambda mid, text: later(0.25, s.robot.part, mid, 0, "Hello ", False)
        async with s.session.stream("Who are you?") as pieces:
            await anext(aiter(pieces))
        await until(lambda: measured.named("akool.question.first_word"))
    assert measured.named("akool.question.first_word") == [pytest.approx(0.25, abs=0.01)]
    [(_, took, error)] = [span for span in measured.spans if span[0] == "akool.question"]
    assert (took, error) == (pytest.approx(0.25, abs=0.01), "CancelledError")


async def test_a_question_that_was_never_sent_is_a_span(scene):
    measured = Measured()
    async with scene(telemetry=measured) as s:
        s.session._conversation.gate.clear()
        with pytest.raises(ReplyTimeoutError):
            await s.session.ask("Anyone?", timeout=2)
        waiting = asyncio.create_task(s.session.ask("Still there?"))
        await asyncio.sleep(1)
        waiting.cancel()
        await asyncio.wait([waiting])
        s.session._conversation.gate.set()
    questions = [(took, error) for name, took, error in measured.spans if name == "akool.question"]
    assert questions == [
        (pytest.approx(2.0, abs=0.01), "ReplyTimeoutError"),
        (pytest.approx(1.0, abs=0.01), "CancelledError"),
    ]


async def test_an_answer_of_the_avatar_s_own_to_what_a_person_said(scene):
    measured = Measured()
    async with scene(telemetry=measured) as s:
        await s.session.set_params(mode=2)
        s.robot.reply("u1", "Are you there?", sender="user")
        await asyncio.sleep(0.4)
        s.robot.reply("u1", "I am.")
        await until(lambda: measured.named("akool.speech.to_first_word"))
        await asyncio.sleep(5)
        await s.session.interrupt()  # of no one's words: they have their answer
    assert measured.named("akool.speech.to_first_word") == [pytest.approx(0.4, abs=0.01)]
    assert measured.named("akool.speech.to_interrupt") == []
    assert len(measured.named("akool.first_word")) == 1


async def test_the_rest_of_a_text_is_no_answer_to_what_is_said_meanwhile(scene):
    measured = Measured()

    async def slowly():
        yield "This is the first sentence of a text. "
        await asyncio.sleep(1)
        s.robot.reply("u1", "Wait.", sender="user")
        await asyncio.sleep(1)
        yield "And this is the last one of it"
        await asyncio.sleep(0.1)

    async with scene(telemetry=measured) as s:
        s.robot.on_chat = lambda mid, text: s.robot.event("audio_start", mid)
        saying = s.session.say(slowly())
        await until(lambda: saying.state == "speaking")
        await s.session.interrupt()
        await s.session.interrupt()
    assert measured.named("akool.speech.to_first_word") == []
    assert measured.named("akool.speech.to_interrupt") == [pytest.approx(1.1, abs=0.01)]
    assert measured.named("akool.utterance.to_packet") == [pytest.approx(0.1, abs=0.01)]


async def test_measurements_that_can_t_even_begin_cost_no_session(scene, caplog):
    class Broken(Measured):
        def begin(self, attributes):
            raise RuntimeError("a fault of the program")

    async with scene(telemetry=Broken()) as s:
        s.robot.on_chat = lambda mid, text: s.robot.reply(mid, "Fine.")
        assert (await s.session.ask("How are you?")).text == "Fine."
    [record] = [r for r in caplog.records if r.name == "akool_async.telemetry"]
    assert "telemetry= failed" in record.getMessage()


async def test_an_utterance_is_a_span_with_its_end(scene):
    measured = Measured()
    async with scene(telemetry=measured) as s:
        s.robot.on_chat = lambda mid, text: (
            s.robot.event("audio_start", mid),
            asyncio.get_running_loop().call_later(1.5, s.robot.event, "audio_end", mid),
        )
        assert await s.session.say("A sentence.")
        [took] = measured.named("akool.utterance")
        assert took == pytest.approx(1.5, abs=0.1)


async def test_measurements_that_fail_are_reported_once_and_the_conversation_goes_on(scene, caplog):
    class Broken(Measured):
        def duration(self, name, seconds, attributes):
            raise RuntimeError("a fault of the program")

    with caplog.at_level(logging.ERROR, "akool_async.telemetry"):
        async with scene(telemetry=Broken()) as s:
            s.robot.on_chat = lambda mid, text: s.robot.reply(mid, "Fine.")
            assert (await s.session.ask("How are you?")).text == "Fine."
            assert s.session.stats.timings["question"].count == 1
    [record] = caplog.records
    assert "telemetry= failed" in record.getMessage()


async def test_percentiles_are_of_the_newest_thousand():
    meter = Meter(lambda: 0.0, None)
    for number in range(3000):
        meter.duration("x", float(number))
    timing = meter.timings()["x"]
    assert (timing.count, timing.p50, timing.p90, timing.p99, timing.longest) == (
        1000, 2500.0, 2899.0, 2989.0, 2999.0,
    )  # fmt: skip
