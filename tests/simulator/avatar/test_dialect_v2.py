"""Version 2 at the avatar's end, packet by packet (docs/protocol.md §2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from akool_async.simulator import ServiceBehavior
from akool_async.simulator.avatar.dialect import Command, Ignored, PartOfQuestion, Question
from akool_async.simulator.avatar.dialect_v2 import DialectV2

QUESTION = Question("q1", "Why?")


def dialect(**behavior: Any) -> DialectV2:
    return DialectV2(ServiceBehavior(**behavior))


def chat(text: Any = "hi", mid: Any = "q1", idx: Any = 0, fin: Any = True, **more: Any) -> bytes:
    message = {"v": 2, "type": "chat", "mid": mid, "idx": idx, "fin": fin, "pld": {"text": text}}
    return json.dumps(message | more).encode()


def command(cmd: str, mid: Any = "c1", **payload: Any) -> bytes:
    message = {"v": 2, "type": "command", "mid": mid, "pld": {"cmd": cmd, **payload}}
    return json.dumps(message).encode()


def test_a_message_in_one_part() -> None:
    assert dialect().read(chat(), 0.0) == [
        PartOfQuestion("q1", "hi", last=True),
        Question("q1", "hi"),
    ]


def test_parts_are_handed_on_as_soon_as_they_are_in_order() -> None:
    avatar = dialect()
    assert avatar.read(chat("c", idx=2), 0.0) == []
    assert avatar.read(chat("a", idx=0, fin=False), 0.0) == [PartOfQuestion("q1", "a", last=False)]
    assert avatar.read(chat("b", idx=1, fin=False), 0.0) == [
        PartOfQuestion("q1", "bc", last=True),
        Question("q1", "abc"),
    ]


def test_the_end_mark_may_be_in_the_payload() -> None:
    message = {"v": 2, "type": "chat", "mid": "q1", "idx": 0, "pld": {"text": "hi", "fin": True}}
    assert Question("q1", "hi") in dialect().read(json.dumps(message).encode(), 0.0)


def test_a_packet_that_comes_twice_within_a_second_is_one() -> None:
    avatar = dialect()
    avatar.read(chat(), 0.0)
    assert avatar.read(chat(), 1.0) == [Ignored("doubled")]
    assert Question("q1", "hi") in avatar.read(chat(), 2.1)


def test_only_so_many_messages_are_put_together_at_once() -> None:
    avatar = dialect()
    for number in range(65):
        avatar.read(chat("a", mid=f"m{number}", fin=False), 0.0)
    assert Question("m64", "ab") in avatar.read(chat("b", mid="m64", idx=1), 0.0)
    assert avatar.read(chat("b", mid="m0", idx=1), 0.0) == []  # its first part is forgotten


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "not version 2"),
        (chat(v=1), "not version 2"),
        (chat(v=True), "not version 2"),
        (chat(pld="x"), "pld is not an object"),
        (chat(type="wish"), "unknown type"),
        (chat(mid=""), "a chat without mid"),
        (chat(mid=5), "a chat without mid"),
        (chat(idx=-1), "a chat without idx"),
        (chat(idx=True), "a chat without idx"),
        (chat(fin=1), "a chat without fin"),
        (chat(text=5), "a chat without text"),
        (command("interrupt", mid=5), "a command without cmd, or with a wrong mid"),
        (command(5), "a command without cmd, or with a wrong mid"),  # type: ignore[arg-type]
    ],
)
def test_what_it_makes_nothing_of(packet: bytes, reason: str) -> None:
    assert dialect().read(packet, 0.0) == [Ignored(reason)]


@pytest.mark.parametrize(
    ("cmd", "payload", "data"),
    [
        ("interrupt", {}, {}),
        ("set-params", {"data": {"lang": "en", "vid": ""}}, {"lang": "en"}),
        ("set-params", {"data": {"mode": 1, "vparams": {"speed": 1.2}}}, None),
        ("set-action", {"data": {"action": "nod", "expression": "fear"}}, None),
    ],
)
def test_commands(cmd: str, payload: dict[str, Any], data: dict[str, Any] | None) -> None:
    expected = payload["data"] if data is None else data
    assert dialect().read(command(cmd, **payload), 0.0) == [Command(cmd, "c1", expected)]


@pytest.mark.parametrize(
    ("cmd", "payload", "problem"),
    [
        ("sneeze", {}, "unknown command sneeze"),
        ("set-params", {}, "data must be an object"),
        ("set-params", {"data": {"mode": 3}}, "mode must be one of 1, 2"),
        ("set-params", {"data": {"bgurl": "x"}}, "bgurl must be a URL"),
        ("set-params", {"data": {"vparams": {"speed": 2}}}, "speed must be 0.8 to 1.2"),
        ("set-action", {"data": {}}, "action and expression can not both be empty"),
        ("set-action", {"data": {"action": "sneeze"}}, "action must be one of"),
    ],
)
def test_a_wrong_command_is_refused(cmd: str, payload: dict[str, Any], problem: str) -> None:
    [heard] = dialect().read(command(cmd, **payload), 0.0)
    assert isinstance(heard, Command)
    assert (heard.code, heard.data) == (1003, {})
    assert problem in heard.message


@pytest.mark.parametrize(
    ("behavior", "top", "inside"),
    [
        ({}, [False, True], [None, None]),
        ({"fin": "only_last"}, [None, True], [None, None]),
        ({"fin": "missing"}, [None, None], [None, None]),
        ({"fin_place": "pld"}, [None, None], [False, True]),
    ],
)
def test_where_the_end_mark_is(behavior: dict[str, Any], top: list[Any], inside: list[Any]) -> None:
    avatar = dialect(**behavior)
    parts = [
        json.loads(avatar.chat("m", idx, "x", last=bool(idx), question=QUESTION))
        for idx in range(2)
    ]
    assert [part.get("fin") for part in parts] == top
    assert [part["pld"].get("fin") for part in parts] == inside
    assert avatar.needs_closing_part() == (behavior.get("fin") != "missing")


def test_speech_events_and_answers() -> None:
    avatar = dialect()
    assert json.loads(avatar.heard_user("u1", "Good morning")) == {
        "v": 2,
        "type": "chat",
        "mid": "u1",
        "idx": 0,
        "fin": True,
        "pld": {"from": "user", "text": "Good morning"},
    }
    event = avatar.audio("audio_end", "m1")
    assert event is not None
    assert json.loads(event)["pld"] == {"event": "audio_end"}
    assert dialect(audio_events=False).audio("audio_end", "m1") is None
    refused = Command("set-params", "c1", {}, 1003, "no")
    assert json.loads(avatar.answer(refused)) == {
        "v": 2,
        "type": "command",
        "mid": "c1",
        "pld": {"cmd": "set-params", "code": 1003, "msg": "no"},
    }
    older = json.loads(dialect(command_type="cmd", answer_mid=False).answer(refused))
    assert (older["type"], "mid" in older) == ("cmd", False)
