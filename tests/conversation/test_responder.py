from __future__ import annotations

import asyncio
import gc
import json
import random

import pytest
from speaking import hear, says_it

from akool_async.conversation import SessionInfo


async def plain(turn):
    return f"You said {turn.text}."


async def generator(turn):
    yield "You said "
    yield f"{turn.text}."


@pytest.mark.parametrize(
    "function",
    [lambda turn: f"You said {turn.text}.", plain, generator],
    ids=["returns_text", "coroutine", "generator"],
)
async def test_what_people_say_is_answered(scene, function):
    async with scene() as s:
        says_it(s.robot)
        await s.session.respond_with(function)
        assert s.robot.commands[-1]["pld"]["data"] == {"mode": 1}
        hear(s.robot, "hello", "u1")
        await s.robot.until(lambda: s.robot.chats)
        assert s.robot.chats[0][1] == "You said hello."
        assert [(e.role, e.text) for e in s.session.transcript] == [
            ("user", "hello"),
            ("avatar", "You said hello."),
        ]


async def test_a_turn_has_the_transcript_in_chat_roles_and_the_language(scene):
    turns = []
    async with scene() as s:
        says_it(s.robot)
        await s.session.set_params(language="de")

        def answer(turn):
            turns.append(turn)
            return f"{turn.text}, ja."

        s.session.respond_with(answer)
        for n, text in enumerate(("eins", "zwei")):
            hear(s.robot, text, f"u{n}")
            await s.robot.until(lambda n=n: len(s.robot.chats) == n + 1)
            await s.robot.until(lambda: s.session.transcript[-1].complete)
        assert turns[1].language == "de"
        assert turns[1].messages == [
            {"role": "user", "content": "eins"},
            {"role": "assistant", "content": "eins, ja."},
            {"role": "user", "content": "zwei"},
        ]


async def test_barge_in_closes_the_generator_and_interrupts(scene):
    closed = []

    async def endless(turn):
        try:
            n = 0
            while True:
                n += 1
                yield f"Sentence {n}. "
                await asyncio.sleep(0.005)
        finally:
            closed.append(turn.text)

    async with scene() as s:
        responder = await s.session.respond_with(endless)
        hear(s.robot, "tell me", "u1")
        await s.robot.until(
            lambda: any(e.role == "avatar" and e.text for e in s.session.transcript)
        )
        hear(s.robot, "stop", "u2")
        await s.robot.until(lambda: closed == ["tell me"] and len(s.robot.named("interrupt")) == 2)
        await s.robot.until(lambda: len(s.session.transcript) == 4)
        _, first, said, _ = s.session.transcript
        assert s.session.transcript[0].text == "tell me"
        assert first.interrupted
        sent = "".join(
            p["pld"]["text"]
            for p in map(json.loads, s.pair.packets)
            if p["type"] == "chat" and p["mid"] == first.mid
        )
        assert first.text == sent
        assert said.text == "stop"
        assert (responder.turns, responder.barge_ins) == (2, 1)
        await responder.stop()
        assert closed == ["tell me", "stop"]
        hear(s.robot, "anybody?", "u3")
        await s.robot.until(lambda: s.session.transcript[-1].text == "anybody?")
        assert responder.turns == 2


async def test_a_slow_function_is_bridged_by_a_filler(scene):
    gate = asyncio.Event()

    async def slow(turn):
        await gate.wait()
        return "The answer."

    async with scene() as s:
        says_it(s.robot)
        await s.session.respond_with(slow, filler="Let me think.", filler_after=0.05)
        hear(s.robot, "why?", "u1")
        await s.robot.until(lambda: len(s.robot.chats) == 1)
        gate.set()
        await s.robot.until(lambda: len(s.robot.chats) == 2)
        assert [text for _, text in s.robot.chats] == ["Let me think.", "The answer."]


async def test_a_quick_function_needs_no_filler(scene):
    async with scene() as s:
        says_it(s.robot)
        await s.session.respond_with(plain, filler="Let me think.", filler_after=0.2)
        hear(s.robot, "why?", "u1")
        await s.robot.until(lambda: s.robot.chats)
        await asyncio.sleep(0.3)
        assert [text for _, text in s.robot.chats] == ["You said why?."]


async def test_installed_before_opening_it_misses_nothing_and_sets_the_mode(scene):
    """The avatar is in retelling mode before a person can say anything."""

    def install(s) -> None:
        s.session.respond_with(plain)
        answer = s.robot.answer

        def answer_and_hear(mid: str, cmd: str) -> None:
            answer(mid, cmd)
            if cmd == "set-params":
                hear(s.robot, "first words", "u1")

        s.robot.answer = answer_and_hear

    async with scene(before_opening=install) as s:
        await s.robot.until(lambda: s.robot.chats)
        assert [text for _, text in s.robot.chats] == ["You said first words."]
        assert [c["pld"]["data"] for c in s.robot.named("set-params")] == [{"mode": 1}]


@pytest.mark.parametrize("by_service", [False, True])
async def test_what_is_heard_before_retelling_mode_has_one_answer(scene, by_service):
    """Until the mode is set the service may answer, and then the responder doesn't."""
    async with scene(info=SessionInfo(mode=2)) as s:
        s.robot.answers_commands = False
        responder = s.session.respond_with(plain)
        await s.robot.until(lambda: len(s.robot.named("set-params")) == 2)
        hear(s.robot, "first", "u1")
        if by_service:
            s.robot.reply("u1", "The service's own answer.")
        await s.robot.until(lambda: len(s.session.transcript) == 1 + by_service)
        assert s.robot.chats == []
        s.robot.answers_commands = True
        s.robot.answer(s.robot.named("set-params")[1]["mid"], "set-params")
        await responder
        hear(s.robot, "second", "u2")
        await s.robot.until(lambda: "You said second." in [t for _, t in s.robot.chats])
        answered_first = "You said first." in "".join(e.text for e in s.session.transcript)
        assert not (by_service and answered_first)
        assert responder.turns == (1 if by_service else 2)


async def test_every_final_text_interrupts_whatever_the_avatar_seems_to_do(scene):
    async with scene() as s:
        says_it(s.robot)
        responder = await s.session.respond_with(plain)
        for n in range(3):
            hear(s.robot, f"text {n}", f"u{n}")
            await s.robot.until(lambda n=n: len(s.robot.chats) == n + 1)
            await s.robot.until(lambda: not s.session._conversation.speech.busy)
        order = [
            p["pld"].get("cmd") or p["pld"]["text"]
            for p in map(json.loads, s.pair.packets)
            if p["pld"].get("cmd") != "set-params"
        ]
        assert order == [each for n in range(3) for each in ("interrupt", f"You said text {n}.")]
        assert responder.barge_ins == 0


async def test_interrupting_closes_the_generator(scene):
    closed = asyncio.Event()

    async def endless(turn):
        try:
            while True:
                yield "word. "
                await asyncio.sleep(0.002)
        finally:
            closed.set()

    async with scene() as s, asyncio.timeout(5):
        await s.session.respond_with(endless)
        hear(s.robot, "go", "u1")
        await s.robot.until(lambda: len(s.session.transcript) == 2)
        await s.session.interrupt()
        await closed.wait()


@pytest.mark.parametrize("steps", range(8))
async def test_closing_at_any_moment_closes_the_generator(scene, steps):
    running = []

    async def endless(turn):
        running.append(turn.text)
        try:
            while True:
                yield "word. "
                await asyncio.sleep(0.002)
        finally:
            running.clear()

    async with scene() as s:
        await s.session.respond_with(endless)
        hear(s.robot, "go", "u1")
        for _ in range(steps):
            await asyncio.sleep(0)
    assert running == []


async def test_a_split_utterance_is_answered_once(scene):
    async with scene() as s:
        says_it(s.robot)
        responder = await s.session.respond_with(plain, merge_window=0.1)
        hear(s.robot, "I would like", "u1")
        hear(s.robot, "two tickets", "u2")
        await s.robot.until(lambda: s.robot.chats)
        assert [text for _, text in s.robot.chats] == ["You said I would like two tickets."]
        assert responder.turns == 1
        assert len(s.robot.named("interrupt")) == 2
        hear(s.robot, "你好", "u3")
        hear(s.robot, "吗", "u4")
        await s.robot.until(lambda: len(s.robot.chats) == 2)
        assert s.robot.chats[1][1] == "You said 你好吗."


async def test_more_of_an_utterance_ends_the_answer_to_its_beginning(scene):
    asked = []

    async def slow(turn):
        asked.append(turn.text)
        if len(asked) == 1:
            await asyncio.Event().wait()
        return f"You said {turn.text}."

    async with scene() as s:
        says_it(s.robot)
        await s.session.respond_with(slow, merge_window=0.02)
        hear(s.robot, "I would like", "u1")
        await s.robot.until(lambda: asked)
        hear(s.robot, "two tickets", "u2")
        await s.robot.until(lambda: s.robot.chats)
        assert asked == ["I would like", "two tickets"]
        assert [text for _, text in s.robot.chats] == ["You said two tickets."]


async def test_stopping_while_texts_are_merged_answers_nothing(scene):
    async with scene() as s:
        responder = await s.session.respond_with(plain, merge_window=0.02)
        hear(s.robot, "hello", "u1")
        await s.robot.until(lambda: s.robot.named("interrupt"))
        await responder.stop()
        await asyncio.sleep(0.05)
        assert (s.robot.chats, responder.turns) == ([], 0)


@pytest.mark.parametrize("turns", [100, pytest.param(1000, marks=pytest.mark.slow)])
async def test_many_turns_with_barge_in_at_random_moments(scene, turns):
    """No task, generator or utterance is left behind, and the transcript is right in every turn."""
    chance = random.Random(7)
    running: set[str] = set()

    async def answer(turn):
        running.add(turn.text)
        try:
            for n in range(chance.randrange(6)):
                yield f"{turn.text}, sentence {n}. "
                await asyncio.sleep(chance.random() * 0.002)
        finally:
            running.discard(turn.text)

    async with scene() as s:
        s.robot.on_chat = lambda mid, text: s.robot.event("audio_end", mid)
        responder = await s.session.respond_with(answer, delay=0.001)
        before = len(asyncio.all_tasks())
        for n in range(turns):
            hear(s.robot, f"turn {n}", f"u{n}")
            await asyncio.sleep(chance.random() * 0.008)
        await s.robot.until(lambda: not s.session._conversation.speech.busy and not running)
        await s.robot.until(lambda: len(asyncio.all_tasks()) <= before)
        assert responder.turns == turns

        sent: dict[str, str] = {}
        for packet in map(json.loads, s.pair.packets):
            if packet["type"] == "chat":
                sent[packet["mid"]] = sent.get(packet["mid"], "") + packet["pld"]["text"]
        said = [entry for entry in s.session.transcript if entry.role == "avatar"]
        assert {entry.mid: entry.text for entry in said} == sent
        assert all(entry.complete or entry.interrupted for entry in said)
        heard = [entry.text for entry in s.session.transcript if entry.role == "user"]
        assert heard == [f"turn {n}" for n in range(turns)]
        latest = ""
        for entry in s.session.transcript:
            if entry.role == "user":
                latest = entry.text
            elif entry.text:
                assert entry.text.startswith(f"{latest}, sentence 0. ")
    gc.collect()
    assert running == set()
