"""The service speaks back what people say (docs/protocol.md §2 "Observed on the live service")."""

from __future__ import annotations

import asyncio
import json

import pytest

from akool_async import HandlerFailed, ReplyDelta, ReplyDone, ReplyStarted, UserSpoke
from akool_async.conversation import SessionInfo
from akool_async.conversation.speech.echo import ECHO_WINDOW, EchoFilter
from akool_async.stream.limits import AGORA
from akool_async.stream.messages import Chat, ChatDelta, PartialChat
from akool_async.testing.in_memory_room import InMemoryRoom

RETELLING = SessionInfo(mode=1)


def delta(text: str, mid: str = "b1", idx: int = 0) -> ChatDelta:
    return ChatDelta(text, mid, "bot", idx)


def chat(text: str, mid: str = "b1") -> Chat:
    return Chat(text, mid, "bot", "fin")


def heard(text: str, mid: str = "u1", **more) -> EchoFilter:
    echoes = EchoFilter()
    echoes.user_spoke(text, mid, 0.0, answered_by_us=more.get("answered_by_us", False))
    return echoes


@pytest.mark.parametrize(
    "rendering", ["Hello, there.", "hello there", "HELLO   there!", "Hello there"]
)
def test_the_same_words_are_an_echo(rendering):
    echoes = heard("Hello there.")
    assert echoes.take(delta(rendering), 0.01) == ([], True)
    assert echoes.take(chat(rendering), 0.01) == ([], False)
    assert echoes.count == 1
    assert echoes.is_echo("b1")


def test_an_echo_in_pieces():
    echoes = heard("One two three four")
    assert echoes.take(delta("One tw"), 0.01) == ([], True)
    assert echoes.take(delta("o thr", idx=1), 0.01) == ([], False)
    assert echoes.take(delta("ee four", idx=2), 0.01) == ([], False)
    assert echoes.take(chat("One two three four"), 0.01) == ([], False)
    assert echoes.count == 1


def test_what_goes_on_in_other_words_is_passed_on_whole():
    echoes = heard("Yes I would")
    assert echoes.take(delta("Yes, "), 0.01) == ([], True)
    assert echoes.take(delta("of course", idx=1), 0.01) == ([delta("Yes, of course", idx=1)], False)
    assert echoes.take(delta(".", idx=2), 0.01) == ([delta(".", idx=2)], False)
    assert echoes.count == 0


def test_a_whole_message_that_goes_on_in_other_words_is_passed_on_with_its_text():
    echoes = heard("Yes I would")
    assert echoes.take(delta("Yes"), 0.01) == ([], True)
    assert echoes.take(chat("Yes sir"), 0.01) == ([delta("Yes sir"), chat("Yes sir")], False)


def test_the_same_mid_is_an_echo_whatever_the_words():
    echoes = heard("two tickets", mid="u1")
    assert echoes.take(chat("2 tickets", mid="u1"), 0.01) == ([], True)


def test_other_words_are_no_echo():
    echoes = heard("Hello")
    for message in (delta("Welcome"), chat("Hello you")):
        assert echoes.take(message, 0.01) == ([message], False)
    assert echoes.count == 0


def test_one_text_has_one_echo_and_only_for_a_while():
    echoes = heard("Hello")
    assert echoes.take(chat("Hello", "b1"), 0.01) == ([], True)
    assert echoes.take(chat("Hello", "b2"), 0.02) == ([chat("Hello", "b2")], False)
    echoes = heard("Hello")
    late = chat("Hello", "b3")
    assert echoes.take(late, ECHO_WINDOW + 0.1) == ([late], False)


def test_messages_without_a_mid_are_distinguished_by_their_end():
    echoes = heard("Hello")
    assert echoes.take(delta("Hello", ""), 0.01) == ([], True)
    assert echoes.take(chat("Hello", ""), 0.01) == ([], False)
    assert echoes.take(chat("Welcome", ""), 0.02) == ([chat("Welcome", "")], False)


def test_an_echo_with_parts_lost():
    echoes = heard("one two three")
    lost = PartialChat("two three", "b1", "bot", (0,), "lost")
    assert echoes.take(lost, 0.01) == ([], True)


def test_before_our_answer_is_sent_everything_is_the_services_own():
    echoes = heard("Hello", answered_by_us=True)
    assert echoes.take(delta("How can I help?", "b1"), 0.5) == ([], True)
    echoes.answer_sent()
    ours = delta("Our answer", "b2")
    assert echoes.take(ours, 0.6) == ([ours], False)
    assert echoes.take(delta(" you?", "b1", 1), 0.7) == ([], False)


def test_memory_is_bounded():
    echoes = EchoFilter()
    for n in range(1000):
        echoes.user_spoke(f"text {n}", f"u{n}", 0.0, answered_by_us=False)
        echoes.take(chat(f"text {n}", f"b{n}"), 0.01)
    assert echoes.count == 1000
    assert not echoes.is_echo("b0")
    assert echoes.is_echo("b999")


# In a conversation.


def install(robot, *, mid: str | None = None, parts: int = 1, delay: float = 0.01) -> None:
    """The avatar speaks back every user text, as the live service does, and retells chats."""
    loop = asyncio.get_running_loop()
    numbers = iter(range(10_000))
    robot.speaking = None

    def stop_speaking() -> None:
        if robot.speaking is not None:
            robot.speaking.cancel()
            robot.speaking = None
            robot.event("audio_end")

    def speak(mid: str, text: str, seconds: float) -> None:
        stop_speaking()
        words = text.split(" ")
        size = -(-len(words) // parts)
        pieces = [" ".join(words[n : n + size]) for n in range(0, len(words), size)]
        robot.reply(mid, *(p + " " for p in pieces[:-1]), pieces[-1])
        robot.event("audio_start")
        robot.audible.append((text, loop.time()))

        def end() -> None:
            robot.speaking = None
            robot.event("audio_end")

        robot.speaking = loop.call_later(seconds, end)

    def user_says(text: str) -> None:
        n = next(numbers)
        robot.part(f"u{n}", 0, text, True, "user")
        loop.call_later(delay, lambda: speak((mid and f"u{n}") or f"e{n}", text, 2.0))

    answer = robot.answer

    def obey(command_mid: str, cmd: str) -> None:
        if cmd == "interrupt":
            stop_speaking()
        answer(command_mid, cmd)

    robot.audible = []
    robot.answer = obey
    robot.user_says = user_says
    robot.on_chat = lambda mid, text: speak(mid, text, 0.5)


def order(s) -> list[str]:
    """Interrupts and texts in the order they arrived."""
    packets = [json.loads(packet) for packet in s.pair.packets]
    return [
        p["pld"].get("cmd") or p["pld"]["text"]
        for p in packets
        if p["pld"].get("cmd") != "set-params"
    ]


def lines(s) -> list[tuple[str, str]]:
    return [(entry.role, entry.text) for entry in s.session.transcript]


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("mid", [None, "same"])
@pytest.mark.parametrize("delay", [0.0, 0.01, 0.04])
async def test_a_responder_answers_once_and_the_echo_is_shown_to_no_one(scene, mid, parts, delay):
    async with scene(info=RETELLING) as s:
        install(s.robot, mid=mid, parts=parts, delay=delay)
        shown = s.session.events(ReplyStarted, ReplyDelta, ReplyDone)
        await s.session.respond_with(lambda turn: f"Answer to {turn.text}")
        for n in range(3):
            s.robot.user_says(f"question number {n} of three")
            await s.robot.until(lambda n=n: len(lines(s)) == 2 * n + 2)
            await s.robot.until(lambda: not s.session._conversation.speech.busy)
        texts = [f"question number {n} of three" for n in range(3)]
        assert lines(s) == [
            each for text in texts for each in (("user", text), ("avatar", f"Answer to {text}"))
        ]
        assert s.session.stats.echoes == 3
        assert order(s)[0] == "interrupt"
        assert order(s)[-1] == f"Answer to {texts[-1]}"
        # The echo was audible for a moment only: our answer followed it, or it never began.
        spoken = dict(s.robot.audible)
        for text in texts:
            assert spoken[f"Answer to {text}"] - spoken[text] < 0.2
    mids = {e.reply.mid if isinstance(e, ReplyDone) else e.mid async for e in shown}
    assert len(mids) == 3
    assert not mids & {f"{kind}{n}" for kind in "eu" for n in range(3)}


@pytest.mark.parametrize("audible_first", [True, False])
async def test_an_interrupt_that_comes_just_before_the_echo_is_sent_again(scene, audible_first):
    """Its answer is sent behind the echo's text, which goes on."""
    async with scene(info=RETELLING) as s:
        install(s.robot)
        s.robot.user_says = lambda text: s.robot.part("u1", 0, text, True, "user")
        answer, answered = s.robot.answer, []

        def too_early(mid: str, cmd: str) -> None:
            if cmd == "interrupt":
                answered.append(mid)
                if len(answered) == 1:
                    if audible_first:
                        s.robot.event("audio_start", "e1")
                    s.robot.reply("e1", "hello over there")
                    if not audible_first:
                        s.robot.event("audio_start", "e1")
                else:
                    s.robot.event("audio_end", "e1")
            answer(mid, cmd)

        s.robot.answer = too_early
        await s.session.respond_with(lambda turn: f"Answer to {turn.text}")
        s.robot.user_says("hello over there")
        await s.robot.until(lambda: len(lines(s)) == 2)
        await s.robot.until(lambda: not s.session._conversation.speech.busy)
        assert order(s) == ["interrupt", "interrupt", "Answer to hello over there"]


async def test_a_text_that_was_cut_off_and_begins_all_the_same_is_stopped(scene):
    """Packets may overtake each other: the interrupt comes before the text's last part."""
    async with scene(info=RETELLING, pair=InMemoryRoom(limits=AGORA)) as s:
        s.robot.on_chat = None
        text = s.session.say("What is no longer wanted.")
        await text.sent()
        await s.session.interrupt()
        assert order(s) == ["What is no longer wanted.", "interrupt"]
        s.robot.event("audio_start", text.mid)
        s.robot.reply(text.mid, "What is no longer wanted.")
        await s.robot.until(lambda: len(order(s)) == 3)
        assert order(s)[2] == "interrupt"


async def test_a_bot_that_repeats_the_user_is_reported_once(scene):
    async with scene(info=RETELLING) as s:
        install(s.robot)
        await s.session.respond_with(lambda turn: turn.text)
        s.robot.user_says("say after me")
        await s.robot.until(lambda: len(lines(s)) == 2)
        await s.robot.until(lambda: not s.session._conversation.speech.busy)
        assert lines(s) == [("user", "say after me"), ("avatar", "say after me")]
        assert s.session.stats.echoes == 1


async def test_the_services_own_answer_is_stopped_and_not_shown(scene):
    """`stt_type: openai_realtime` makes the service speak by itself, against retelling."""
    async with scene(info=RETELLING) as s:
        install(s.robot)
        s.robot.user_says = lambda text: (
            s.robot.part("u1", 0, text, True, "user"),
            s.robot.reply("own", "How can ", "I help you?"),
            s.robot.event("audio_start"),
        )
        await s.session.respond_with(lambda turn: f"Answer to {turn.text}")
        s.robot.user_says("hello")
        await s.robot.until(lambda: len(lines(s)) == 2)
        assert lines(s) == [("user", "hello"), ("avatar", "Answer to hello")]


@pytest.mark.parametrize("suppress", [True, False])
async def test_without_a_responder_the_echo_is_stopped_and_hidden(scene, suppress):
    async with scene(info=RETELLING, suppress_echo=suppress) as s:
        install(s.robot)
        shown = s.session.events(ReplyStarted, ReplyDone, UserSpoke, HandlerFailed)
        s.robot.user_says("nobody answers this")
        await s.robot.until(lambda: s.session.stats.echoes == 1)
        await s.robot.until(lambda: bool(order(s)) == suppress)
        assert lines(s) == [("user", "nobody answers this")]
    assert [type(event) async for event in shown] == [UserSpoke]


async def test_the_echo_does_not_end_or_cut_what_we_say(scene):
    async with scene(info=RETELLING, speech_margin=60) as s:
        install(s.robot)
        s.robot.on_chat = None
        utterance = s.session.say("Our own text.")
        await utterance.sent()
        s.robot.event("audio_start", utterance.mid)
        s.robot.user_says("somebody talks")
        await s.robot.until(lambda: s.session.stats.echoes == 1)
        await asyncio.sleep(1.0)
        assert "interrupt" not in order(s)
        assert utterance.state == "speaking"
        assert lines(s) == [("avatar", "Our own text."), ("user", "somebody talks")]
        s.robot.event("audio_end", utterance.mid)
        assert await utterance


async def test_echo_audio_that_comes_first_is_not_ours(scene):
    async with scene(info=RETELLING, suppress_echo=False, speech_margin=60) as s:
        heard = s.session.stats.packets_received
        s.robot.part("u1", 0, "hello", True, "user")
        s.robot.reply("e1", "hello")
        await s.robot.until(lambda: s.session.stats.packets_received == heard + 2)
        utterance = s.session.say("Ours.")
        await utterance.sent()
        s.robot.event("audio_start")
        s.robot.event("audio_end")
        await asyncio.sleep(0.1)
        assert utterance.state == "speaking"
        s.robot.event("audio_start")
        s.robot.event("audio_end")
        assert await utterance


async def test_in_dialogue_an_answer_in_the_users_words_is_an_answer(scene):
    async with scene(info=SessionInfo(mode=2)) as s:
        done = s.session.events(ReplyDone)
        s.robot.part("u1", 0, "Hello", True, "user")
        s.robot.reply("b1", "Hello")
        assert (await anext(done)).text == "Hello"
        assert s.session.stats.echoes == 0
