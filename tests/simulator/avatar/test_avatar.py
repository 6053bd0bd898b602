"""The simulated avatar by the packets it takes and sends (docs/protocol.md §2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from akool_async.simulator import ServiceBehavior

LONG = "one two three four five six seven eight nine ten eleven twelve"


async def test_a_question_is_answered_in_parts_of_its_own_mid(start: Any) -> None:
    caller = await start(reply=lambda text: f"{text}? {LONG}", piece_words=4)
    room = await caller.room()
    room.chat("Why")
    await room.ended()
    chats = [m for m in room.messages if m["type"] == "chat"]
    assert room.text() == f"Why? {LONG}"
    assert [m["idx"] for m in chats] == list(range(len(chats)))
    assert [m["fin"] for m in chats] == [False] * (len(chats) - 1) + [True]
    assert {m["mid"] for m in room.messages} == {"q1"}
    assert {m["v"] for m in room.messages} == {2}
    assert room.events_and_texts()[0] == "audio_start"
    assert room.events_and_texts()[-1] == "audio_end"


async def test_parts_are_joined_by_mid_in_any_order(start: Any) -> None:
    room = await (await start(reply=str.upper)).room()
    room.chat("c", "q1", 2, fin=True)
    room.chat("x", "q2", 0, fin=False)
    room.chat("a", "q1", 0, fin=False)
    room.chat("b", "q1", 1, fin=False)
    room.chat("y", "q2", 1)
    await room.ended(2)
    assert room.text(mid="q1") == "ABC"
    assert room.text(mid="q2") == "XY"


async def test_a_doubled_packet_is_heard_once_and_one_sent_again_later_twice(start: Any) -> None:
    caller = await start(reply=str.upper)
    room = await caller.room()
    room.chat("a")
    room.chat("a")
    await room.ended()
    await caller.sim.advance(5)
    room.chat("a")
    await room.ended(2)
    assert room.text() == "AA"


@pytest.mark.parametrize(
    "message",
    [
        b"\xff\xfe",
        b"[1]",
        {"v": 1, "type": "chat", "mid": "m", "idx": 0, "fin": True, "pld": {"text": "x"}},
        {"v": 2, "type": "chat", "mid": "", "idx": 0, "fin": True, "pld": {"text": "x"}},
        {"v": 2, "type": "chat", "idx": 0, "fin": True, "pld": {"text": "x"}},
        {"v": 2, "type": "chat", "mid": "m", "idx": "0", "fin": True, "pld": {"text": "x"}},
        {"v": 2, "type": "chat", "mid": "m", "idx": 0, "pld": {"text": "x"}},
        {"v": 2, "type": "chat", "mid": "m", "idx": 0, "fin": 1, "pld": {"text": "x"}},
        {"v": 2, "type": "chat", "mid": "m", "idx": 0, "fin": True, "pld": {"text": 1}},
        {"v": 2, "type": "chat", "mid": "m", "idx": 0, "fin": True, "pld": "x"},
        {"v": 2, "type": "wish", "mid": "m", "pld": {}},
        {"v": 2, "type": "command", "mid": "m", "pld": {}},
    ],
)
async def test_what_is_not_a_message_is_ignored_and_counted(start: Any, message: Any) -> None:
    caller = await start()
    room = await caller.room()
    room.say(message)
    room.command("interrupt")
    await room.answer()
    assert len(room.sent) == 1
    avatar = caller.sim.avatar(room.request.session_id)
    assert avatar.ignored.total() == 1


async def test_set_params_is_answered_and_kept(start: Any) -> None:
    caller = await start()
    room = await caller.room(language="de", mode_type=2, voice_params={"speed": 0.9})
    room.command("set-params", data={"mode": 1, "vparams": {"vid": "v"}})
    answer = await room.answer()
    assert answer == {
        "v": 2,
        "type": "command",
        "mid": "c1",
        "pld": {"cmd": "set-params", "code": 1000, "msg": "OK"},
    }
    avatar = caller.sim.avatar(room.request.session_id)
    assert avatar.params == {"lang": "de", "mode": 1, "vparams": {"speed": 0.9, "vid": "v"}}
    # "" counts as left out.
    room.command("set-params", mid="c3", data={"lang": "", "bgurl": "", "vparams": {"vid": ""}})
    assert (await room.answer("c3"))["pld"]["code"] == 1000
    assert avatar.params == {"lang": "de", "mode": 1, "vparams": {"speed": 0.9, "vid": "v"}}


@pytest.mark.parametrize(
    ("cmd", "payload", "named"),
    [
        ("set-params", {}, "data"),
        ("set-params", {"params": {"mode": 1}}, "data"),
        ("set-params", {"data": {"mode": 3}}, "mode"),
        ("set-params", {"data": {"mode": "1"}}, "mode"),
        ("set-params", {"data": {"mode": True}}, "mode"),
        ("set-params", {"data": {"lang": "Englisch"}}, "lang"),
        ("set-params", {"data": {"bgurl": "picture.png"}}, "bgurl"),
        ("set-params", {"data": {"vparams": {"speed": 1.3}}}, "speed"),
        ("set-params", {"data": {"vparams": {"speed": "1"}}}, "speed"),
        ("set-params", {"data": {"vparams": {"stt_type": "other"}}}, "stt_type"),
        ("set-params", {"data": {"vparams": {"pron_map": {"a": 1}}}}, "a must be"),
        (
            "set-params",
            {"data": {"vparams": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}}},
            "threshold",
        ),
        ("set-action", {"data": {}}, "action"),
        ("set-action", {"data": {"action": "dance"}}, "action"),
        ("set-action", {"data": {"action": "nod", "expression": "boredom"}}, "expression"),
        ("self-destruct", {}, "self-destruct"),
    ],
)
async def test_a_wrong_command_is_answered_with_1003(
    start: Any, cmd: str, payload: dict[str, Any], named: str
) -> None:
    caller = await start()
    room = await caller.room()
    room.command(cmd, **payload)
    answer = await room.answer()
    assert answer["pld"]["cmd"] == cmd
    assert answer["pld"]["code"] == 1003
    assert named in answer["pld"]["msg"]
    avatar = caller.sim.avatar(room.request.session_id)
    assert not avatar.params
    assert not avatar.actions


async def test_a_command_sent_again_is_answered_again_and_one_without_mid_without(
    start: Any,
) -> None:
    room = await (await start()).room()
    room.command("set-action", data={"action": "nod", "expression": "happiness"})
    room.command("set-action", data={"action": "nod", "expression": "happiness"})
    room.command("interrupt", mid=None)
    answer = await room.answer(mid=None)
    assert "mid" not in answer
    assert [m.get("mid") for m in room.messages] == ["c1", "c1", None]


async def test_interrupt_stops_the_reply_and_what_waited(start: Any) -> None:
    caller = await start(reply=lambda text: LONG, pace=60, piece_words=2)
    room = await caller.room()
    room.chat("first", "q1")
    room.chat("second", "q2")
    await room.until(lambda: "one two " in room.events_and_texts())
    room.command("interrupt")
    await room.answer()
    assert room.events_and_texts() == ["audio_start", "one two ", "audio_end", "interrupt"]
    await caller.sim.avatar(room.request.session_id).wait_silent()
    room.chat("third", "q3")
    await room.until(lambda: room.events_and_texts().count("audio_start") == 2)
    assert room.messages[-1]["mid"] == "q3"


async def test_interrupting_a_reply_that_is_ending_ends_it_once(start: Any) -> None:
    caller = await start(reply=str.upper)
    room = await caller.room()
    go_on = asyncio.Event()
    room.holds = (b"audio_end", go_on)
    room.chat("a")
    await room.until(lambda: room.text() == "A")
    room.command("interrupt")
    await room.until(
        lambda: b"interrupt" in [p.data for p in caller.sim.packets if p.direction == "in"][-1]
    )
    go_on.set()
    await room.answer()
    assert room.events_and_texts() == ["audio_start", "A", "audio_end", "interrupt"]
    assert sum(b"audio_end" in p.data for p in caller.sim.packets) == 1


async def test_the_pace_is_seconds_per_word_of_the_clock(start: Any, stopped_clock: Any) -> None:
    caller = await start(reply=lambda text: LONG, pace=0.5, piece_words=4, clock=stopped_clock)
    room = await caller.room()
    room.chat("Why")
    await room.until(lambda: room.text() == "one two three four ")
    await caller.sim.advance(1.9)
    assert room.text() == "one two three four "
    await caller.sim.advance(0.2)
    await room.until(lambda: room.text() == "one two three four five six seven eight ")


async def test_retelling_says_the_text_itself(start: Any) -> None:
    room = await (await start(reply=lambda text: "never")).room(mode_type=1)
    room.chat("Say this")
    await room.ended()
    assert room.text() == "Say this"


async def test_hearing_reports_speech_and_answers_under_another_mid(start: Any) -> None:
    caller = await start(reply=str.upper)
    room = await caller.room()
    await caller.sim.user_says(room.request.session_id, "good day")
    await room.ended()
    assert room.text("user") == "good day"
    assert room.text("bot") == "GOOD DAY"
    mids = {m["pld"]["from"]: m["mid"] for m in room.messages if m["type"] == "chat"}
    assert mids["user"] != mids["bot"]


async def test_hearing_in_retelling_mode_can_be_only_reported(start: Any) -> None:
    caller = await start(behavior=ServiceBehavior(echoes_user_speech=False))
    room = await caller.room(mode_type=1)
    await caller.sim.user_says(room.request.session_id, "good day")
    await caller.sim.avatar(room.request.session_id).wait_silent()
    assert room.events_and_texts() == ["good day"]


async def test_typed_chat_makes_no_sense_in_fast_dialogue(start: Any) -> None:
    caller = await start()
    room = await caller.room(scene_mode="fast_dialogue")
    room.chat("hello?")
    room.command("interrupt")
    await room.answer()
    assert room.text() == ""


# -- reply=


async def _async_text(text: str) -> str:
    await asyncio.sleep(0)
    return text.upper()


async def _async_pieces(text: str) -> AsyncIterator[str]:
    for character in text:
        await asyncio.sleep(0)
        yield character.upper()


def _pieces(text: str) -> Iterator[str]:
    yield from text.upper()


@pytest.mark.parametrize("reply", [str.upper, _async_text, _async_pieces, _pieces])
async def test_reply_may_be_of_any_kind(start: Any, reply: Any) -> None:
    room = await (await start(reply=reply)).room()
    room.chat("abc")
    await room.ended()
    assert room.text() == "ABC"
    assert [m["fin"] for m in room.messages if m["type"] == "chat"][-1] is True


async def test_an_interrupted_generator_is_closed(start: Any) -> None:
    closed = asyncio.Event()

    async def endless(text: str) -> AsyncIterator[str]:
        try:
            while True:
                yield "more "
                await asyncio.sleep(0)
        finally:
            closed.set()

    room = await (await start(reply=endless, pace=0.001)).room()
    room.chat("go")
    await room.until(lambda: len(room.text()) > 20)
    room.command("interrupt")
    await room.answer()
    await asyncio.wait_for(closed.wait(), 20)


@pytest.mark.parametrize("wrong", [lambda text: 5, lambda text: [5], lambda text: 1 / 0])
async def test_a_reply_that_fails_is_reported_and_the_avatar_goes_on(
    start: Any, wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def reply(text: str) -> Any:
        return wrong(text) if text == "one" else text.upper()

    caller = await start(reply=reply)
    room = await caller.room()
    room.chat("one")
    room.chat("two", "q2")
    await room.ended()
    assert room.text() == "TWO"
    assert len(caller.sim.errors) == 1
    assert "reply= failed" in caplog.text


# -- personalities


async def test_surrogate_halves_join_to_the_character(start: Any) -> None:
    caller = await start(
        behavior=ServiceBehavior(halves_surrogates=True), reply=lambda text: "so 😀 and 𝄞 it is"
    )
    room = await caller.room()
    room.chat("hi")
    await room.ended()
    assert room.text() == "so 😀 and 𝄞 it is"
    assert any(packet.endswith(b'\\ud83d"}}') for packet in room.sent)


async def test_packets_are_recorded_both_ways(start: Any) -> None:
    caller = await start()
    room = await caller.room()
    room.command("interrupt")
    await room.answer()
    heard, said = caller.sim.packets
    assert (heard.direction, heard.sender, heard.message["pld"]) == (
        "in",
        "me",
        {"cmd": "interrupt"},
    )
    assert (said.direction, said.data) == ("out", room.sent[0])
    assert "interrupt" not in repr(caller.sim.packets)
    assert json.loads(said.data)["pld"]["code"] == 1000
