"""What the documents leave open, and the simulated avatar can do either way."""

from __future__ import annotations

from typing import Any

import pytest

from akool_async.simulator import ServiceBehavior

LONG = "one two three four five six seven eight nine ten eleven twelve"


async def test_a_reply_under_another_mid(start: Any) -> None:
    room = await (await start(behavior=ServiceBehavior(reply_mid="other"))).room()
    room.chat("hi")
    await room.ended()
    mids = {m["mid"] for m in room.messages}
    assert len(mids) == 1
    assert "q1" not in mids


@pytest.mark.parametrize(("echo", "same"), [("same_mid", True), ("other_mid", False)])
async def test_an_echo(start: Any, echo: Any, same: bool) -> None:
    room = await (await start(behavior=ServiceBehavior(echo=echo))).room()
    room.chat("hi")
    await room.ended()
    assert room.text("user") == "hi"
    assert (room.messages[0]["mid"] == "q1") is same


@pytest.mark.parametrize(
    ("behavior", "top", "inside"),
    [
        (ServiceBehavior(fin="only_last"), [None, True], [None, None]),
        (ServiceBehavior(fin="missing"), [None, None], [None, None]),
        (ServiceBehavior(fin_place="pld"), [None, None], [False, True]),
    ],
)
async def test_fin(start: Any, behavior: Any, top: list[Any], inside: list[Any]) -> None:
    caller = await start(behavior=behavior, reply=lambda text: "a b", piece_words=1)
    room = await caller.room()
    room.chat("hi")
    await room.ended()
    chats = [m for m in room.messages if m["type"] == "chat"]
    assert [m.get("fin") for m in chats] == top
    assert [m["pld"].get("fin") for m in chats] == inside


async def test_no_audio_events(start: Any) -> None:
    caller = await start(behavior=ServiceBehavior(audio_events=False))
    room = await caller.room()
    room.chat("hi")
    await room.until(lambda: room.messages and room.messages[-1]["fin"])
    await caller.sim.avatar(room.request.session_id).wait_silent()
    assert all(m["type"] == "chat" for m in room.messages)


async def test_retelling_without_text(start: Any) -> None:
    caller = await start(behavior=ServiceBehavior(retelling_text=False))
    room = await caller.room(mode_type=1)
    room.chat("hi")
    await room.ended()
    assert room.events_and_texts() == ["audio_start", "audio_end"]


@pytest.mark.parametrize("early", [True, False])
async def test_speaking_before_fin(start: Any, early: bool) -> None:
    caller = await start(behavior=ServiceBehavior(speaks_before_fin=early))
    room = await caller.room(mode_type=1)
    room.chat("Hello ", idx=0, fin=False)
    room.command("set-params", data={})
    await room.answer()
    if early:
        await room.until(lambda: room.text() == "Hello ")
    else:
        assert room.text() == ""
    room.chat("world", idx=1)
    await room.ended()
    assert room.text() == "Hello world"
    assert [m["fin"] for m in room.messages if m["type"] == "chat"][-1] is True


async def test_a_message_interrupted_before_its_fin_is_not_said_again(start: Any) -> None:
    caller = await start(behavior=ServiceBehavior(speaks_before_fin=True))
    room = await caller.room(mode_type=1)
    room.chat("Hello ", idx=0, fin=False)
    await room.until(lambda: room.text() == "Hello ")
    room.command("interrupt")
    room.chat("world", idx=1)
    room.command("set-params", mid="c2", data={})
    await room.answer("c2")
    await caller.sim.avatar(room.request.session_id).wait_silent()
    assert room.text() == "Hello "


@pytest.mark.parametrize("second", ["queue", "interrupt"])
async def test_a_second_chat(start: Any, second: Any) -> None:
    caller = await start(
        behavior=ServiceBehavior(second_chat=second),
        reply=lambda text: f"{text} {LONG}",
        pace=0.01,
        piece_words=1,
    )
    room = await caller.room()
    room.chat("A", "q1")
    await room.until(lambda: room.text().startswith("A"))
    room.chat("B", "q2")
    await room.ended(2)
    assert room.text(mid="q2") == f"B {LONG}"
    if second == "queue":
        assert room.text(mid="q1") == f"A {LONG}"
    else:
        assert len(room.text(mid="q1")) < len(f"A {LONG}")
        assert [m for m in room.messages if m["mid"] == "q1"][-1]["pld"]["event"] == "audio_end"


async def test_answers_of_an_older_kind_and_without_mid(start: Any) -> None:
    caller = await start(behavior=ServiceBehavior(command_type="cmd", answer_mid=False))
    room = await caller.room()
    room.command("interrupt")
    answer = await room.answer(mid=None)
    assert answer["type"] == "cmd"


async def test_an_interrupted_reply_may_be_ended_by_fin(start: Any) -> None:
    caller = await start(
        behavior=ServiceBehavior(interrupted_fin=True), reply=lambda text: LONG, pace=60
    )
    room = await caller.room()
    room.chat("hi")
    await room.until(room.text)
    room.command("interrupt")
    await room.answer()
    last = [m for m in room.messages if m["type"] == "chat"][-1]
    assert (last["fin"], last["pld"]["text"]) == (True, "")


@pytest.mark.parametrize("name", ServiceBehavior.all_alternatives())
async def test_a_reply_has_all_its_text_under_every_behavior(start: Any, name: str) -> None:
    caller = await start(behavior=ServiceBehavior.all_alternatives()[name], reply=lambda t: LONG)
    room = await caller.room(mode_type=2)
    room.events.joined("me")
    await room.until(lambda: room.published)
    room.chat("hi")
    await room.until(lambda: LONG in room.text())
