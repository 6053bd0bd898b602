from __future__ import annotations

import asyncio
import gc
import json
import random

import pytest

from akool_async import HandlerFailed
from akool_async.errors import InvalidParameterError, NotSupportedError
from akool_async.testing.in_memory_room import InMemoryRoom


def interrupts(robot) -> int:
    return len(robot.named("interrupt"))


def says_it(robot) -> None:
    def on_chat(mid: str, text: str) -> None:
        robot.event("audio_start", mid)
        robot.event("audio_end", mid)

    robot.on_chat = on_chat


def hear(robot, text: str, mid: str) -> None:
    robot.part(mid, 0, text, True, "user")


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
        await s.session.set_params(lang="de")

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
        await s.robot.until(lambda: closed == ["tell me"] and interrupts(s.robot) == 1)
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


async def test_a_failing_function_is_told_and_the_conversation_goes_on(scene):
    told = []

    async def broken(turn):
        if turn.text == "break":
            raise ValueError("the model is gone")
        return "Fine."

    async with scene(on_error=told.append) as s:
        says_it(s.robot)
        failed = s.session.events(HandlerFailed)
        await s.session.respond_with(broken)
        hear(s.robot, "break", "u1")
        assert (await anext(failed)).where == "the responder"
        assert [str(error) for error in told] == ["the model is gone"]
        hear(s.robot, "go on", "u2")
        await s.robot.until(lambda: s.robot.chats)
        assert s.robot.chats[0][1] == "Fine."


async def test_failing_half_way_interrupts_and_is_told_once(scene):
    told = []

    async def broken(turn):
        yield "First sentence. "
        await sent.wait()
        raise ValueError("half-way")

    sent = asyncio.Event()
    async with scene(on_error=told.append) as s:
        await s.session.respond_with(broken)
        hear(s.robot, "go", "u1")
        said = s.session.transcript
        await s.robot.until(lambda: said and said[-1].text == "First sentence. ")
        sent.set()
        await s.robot.until(lambda: interrupts(s.robot))
        await s.robot.until(lambda: s.session.transcript[-1].interrupted)
        assert [str(error) for error in told] == ["half-way"]


async def test_what_cannot_be_a_responder_is_refused(scene):
    async with scene() as s:
        with pytest.raises(InvalidParameterError, match="can't be called"):
            s.session.respond_with("hello")
        with pytest.raises(InvalidParameterError, match=r"text: is empty"):
            s.session.respond_with(plain, filler="")
        s.session.respond_with(plain)
        with pytest.raises(InvalidParameterError, match=r"there is a responder already"):
            s.session.respond_with(plain)
    async with scene(InMemoryRoom(dialect="v3", own_id="client_1", peer_id="server_1")) as s:
        with pytest.raises(NotSupportedError, match="doesn't report what people say"):
            s.session.respond_with(plain)


async def test_something_else_than_text_is_told(scene):
    async with scene() as s:
        failed = s.session.events(HandlerFailed)
        await s.session.respond_with(lambda turn: 42)
        hear(s.robot, "go", "u1")
        assert "returned int, not text" in str((await anext(failed)).error)


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
        await s.robot.until(lambda: not s.session._line.speaking.busy and not running)
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
