"""Reading version 2: what the documents show, what peers make of it, and what isn't ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from akool_async.stream import (
    AGORA,
    Chat,
    ChatDelta,
    CommandAnswer,
    Interrupt,
    Message,
    SetParams,
    SpeechEvent,
    StreamCodec,
    UnknownMessage,
    VoiceParams,
)

HI = [ChatDelta("Hi", "m", "bot"), Chat("Hi", "m", "bot")]


def decode(packet: dict[str, Any] | bytes) -> list[Any]:
    raw = packet if isinstance(packet, bytes) else json.dumps(packet).encode()
    return StreamCodec(AGORA).decode(raw, now=0.0)


def chat(**changed: Any) -> dict[str, Any]:
    packet = {"v": 2, "type": "chat", "mid": "m", "idx": 0, "fin": True}
    packet["pld"] = {"from": "bot", "text": "Hi"}
    return {**packet, **changed}


@pytest.mark.parametrize(
    "packet",
    [
        chat(),
        chat(v="2"),
        chat(v=2.0),
        chat(idx="0"),
        chat(idx=0.0),
        chat(idx=None),
        chat(fin="true"),
        chat(fin=1),
        chat(fin=None, pld={"from": "bot", "text": "Hi", "fin": True}),
        chat(fin=False, pld={"from": "bot", "text": "Hi", "fin": True}),
        chat(fin="false", pld={"from": "bot", "text": "Hi", "fin": "True"}),
        chat(pld={"from": "Bot ", "text": "Hi"}),
        chat(pld={"from": "bot", "text": "Hi", "idx": 7, "extra": [1, {"deep": None}]}),
        chat(extra={"a": [1.5, None]}, pld={"from": "bot", "text": "Hi", "lang": "en"}),
        {key: value for key, value in chat().items() if key != "idx"},
        json.dumps(chat()).encode("utf-8-sig"),
        json.dumps(chat()).encode() + b" \r\n",
        json.dumps(chat())[:-1].encode() + b',"x":NaN,"y":-Infinity}',
        b'{"v":1,"mid":"other",' + json.dumps(chat())[1:].encode(),
    ],
)
def test_chat_is_read_leniently(packet: dict[str, Any] | bytes) -> None:
    assert decode(packet) == HI


def test_a_number_as_mid() -> None:
    assert decode(chat(mid=17))[-1] == Chat("Hi", "17", "bot")


@pytest.mark.parametrize("mid", [None, ""])
def test_a_missing_mid(mid: str | None) -> None:
    assert decode(chat(mid=mid))[-1] == Chat("Hi", "", "bot")
    without = chat()
    del without["mid"]
    assert decode(without)[-1] == Chat("Hi", "", "bot")


def test_a_missing_sender() -> None:
    assert decode(chat(pld={"text": "Hi"}))[-1] == Chat("Hi", "m", None)
    assert decode(chat(pld={"text": "Hi", "from": None}))[-1] == Chat("Hi", "m", None)


def test_an_empty_chat_has_no_piece() -> None:
    assert decode(chat(pld={"from": "user", "text": ""})) == [Chat("", "m", "user")]


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        ({"pld": {"cmd": "interrupt", "code": 1000, "msg": "OK"}}, ("interrupt", 1000, "OK", "m")),
        ({"pld": {"cmd": "interrupt", "code": "1000"}}, ("interrupt", 1000, "", "m")),
        ({"pld": {"cmd": "interrupt", "code": -1, "msg": None}}, ("interrupt", -1, "", "m")),
        (
            {"type": "cmd", "pld": {"cmd": "set-action", "code": 1003}},
            ("set-action", 1003, "", "m"),
        ),
        ({"mid": None, "pld": {"cmd": "interrupt", "code": 1000.0}}, ("interrupt", 1000, "", "")),
        ({"pld": {"cmd": "new-one", "code": 1000, "x": 1}}, ("new-one", 1000, "", "m")),
    ],
)
def test_answers(packet: dict[str, Any], message: tuple[str, int, str, str]) -> None:
    [answer] = decode({"v": 2, "type": "command", "mid": "m", **packet})
    assert answer == CommandAnswer(*message)
    assert answer.ok == (message[1] == 1000)


@pytest.mark.parametrize(
    ("pld", "message"),
    [
        ({"cmd": "interrupt"}, Interrupt("m")),
        ({"cmd": "set-params"}, SetParams("m")),
        ({"cmd": "set-params", "data": {"mode": "2", "lang": "en"}}, SetParams("m", "en", 2)),
        (
            {"cmd": "set-params", "data": {"vid": "old", "vparams": {"vid": "new", "speed": 1}}},
            SetParams("m", vparams=VoiceParams(vid="new", speed=1)),
        ),
    ],
)
def test_commands_as_the_avatar_receives_them(pld: dict[str, Any], message: Message) -> None:
    assert decode({"v": 2, "type": "command", "mid": "m", "pld": pld}) == [message]


def test_events() -> None:
    packet = {"v": 2, "type": "event", "mid": "m", "pld": {"event": "audio_start"}}
    assert decode(packet) == [SpeechEvent("audio_start", "m")]
    assert decode({"v": 2, "type": "event", "pld": {"event": "new"}}) == [SpeechEvent("new", "")]


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"", "not JSON"),
        (b"hello everybody", "not JSON"),
        (b'{"v":2', "not JSON"),
        (b"\xff\xfe", "not UTF-8 (byte 0)"),
        (b'{"v":2,"type":"chat","pld":{"text":"\xed\xa0\xbd"}}', "not UTF-8 (byte 36)"),
        (json.dumps(chat()).encode() + b"\x00garbage", "not JSON"),
        (json.dumps(chat()).encode("utf-16"), "not UTF-8 (byte 0)"),
        (b"[" * 100_000, "JSON nested too deeply"),
        (b'{"a":' * 100_000, "JSON nested too deeply"),
        (b"[]", "JSON, but not an object: list"),
        (b"9" * 5000, "not JSON"),
        (b"null", "JSON, but not an object: NoneType"),
        (b"{}", "no version"),
        (chat(v=1), "of another version than 2"),
        (chat(v=True), "of another version than 2"),
        (chat(v=[2]), "of another version than 2"),
        (chat(type="ping"), "of another type than chat, command and event"),
        (chat(type=None), "of another type than chat, command and event"),
        (chat(type=["chat"]), "of another type than chat, command and event"),
        (chat(pld=None), "pld is no object"),
        (chat(pld="text"), "pld is no object"),
        (chat(pld={"from": "bot"}), "pld.text is no string"),
        (chat(pld={"from": "bot", "text": 5}), "pld.text is no string"),
        (chat(pld={"from": "avatar", "text": "Hi"}), "pld.from is neither bot nor user"),
        (chat(pld={"from": 1, "text": "Hi"}), "pld.from is neither bot nor user"),
        (chat(idx=-1), "idx is no number of a part"),
        (chat(idx="-1"), "idx is no number of a part"),
        (chat(idx=0.5), "idx is no number of a part"),
        (chat(idx="one"), "idx is no number of a part"),
        (chat(idx=10**30), "idx is no number of a part"),
        (chat(idx="9" * 5000), "idx is no number of a part"),
        (chat(idx=True), "idx is no number of a part"),
        (b'{"v":2,"type":"chat","idx":1e999,"pld":{"text":""}}', "idx is no number of a part"),
        (b'{"v":2,"type":"chat","idx":NaN,"pld":{"text":""}}', "idx is no number of a part"),
        (chat(mid=["m"]), "mid is no string"),
        (chat(mid=True), "mid is no string"),
        (chat(mid="m" * 513), "mid has 513 characters, more than 512"),
        ({"v": 2, "type": "command", "pld": {}}, "pld.cmd is no string"),
        ({"v": 2, "type": "command", "pld": {"cmd": "x", "code": "?"}}, "pld.code is no number"),
        (
            {"v": 2, "type": "command", "pld": {"cmd": "dance"}},
            "a command that isn't known, or an answer without a code",
        ),
        (
            {"v": 2, "type": "command", "pld": {"cmd": "set-params", "data": {"mode": 3}}},
            "set-params with unusable data",
        ),
        (
            {"v": 2, "type": "command", "pld": {"cmd": "set-action", "data": "nod"}},
            "set-action with unusable data",
        ),
        (
            {"v": 2, "type": "command", "pld": {"cmd": "set-params", "data": "\ud83d"}},
            "set-params with unusable data",
        ),
        ({"v": 2, "type": "event", "pld": {}}, "pld.event is no string"),
        ({"v": 2, "type": "event", "mid": {}, "pld": {"event": "x"}}, "mid is no string"),
    ],
)
def test_what_is_not_understood_is_handed_on_raw(
    packet: dict[str, Any] | bytes, reason: str
) -> None:
    raw = packet if isinstance(packet, bytes) else json.dumps(packet).encode()
    assert decode(raw) == [UnknownMessage(raw, reason)]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_is_read(kind: type) -> None:
    raw = json.dumps(chat()).encode()
    assert StreamCodec(AGORA).decode(kind(raw), now=0.0) == HI
    [unknown] = StreamCodec(AGORA).decode(kind(b"no"), now=0.0)
    assert unknown == UnknownMessage(b"no", "not JSON")


def test_halves_of_a_surrogate_pair_join_across_parts() -> None:
    codec = StreamCodec(AGORA)
    first = rb'{"v":2,"type":"chat","mid":"m","idx":0,"pld":{"from":"bot","text":"So \ud83d"}}'
    second = (
        rb'{"v":2,"type":"chat","mid":"m","idx":1,"fin":true,"pld":{"from":"bot","text":"\ude00!"}}'
    )
    assert codec.decode(first, now=0.0) == [ChatDelta("So ", "m", "bot", 0)]
    assert codec.decode(second, now=0.0) == [
        ChatDelta("\N{GRINNING FACE}!", "m", "bot", 1),
        Chat("So \N{GRINNING FACE}!", "m", "bot"),
    ]


def test_half_a_pair_that_stays_alone_arrives() -> None:
    codec = StreamCodec(AGORA)
    packet = rb'{"v":2,"type":"chat","mid":"m","idx":0,"pld":{"from":"bot","text":"So \ud83d"}}'
    assert codec.decode(packet, now=0.0) == [ChatDelta("So ", "m", "bot", 0)]
    assert codec.finish("m", "bot", ended="audio_end", now=1.0) == [
        ChatDelta("\ufffd", "m", "bot", 0),
        Chat("So \ufffd", "m", "bot", "audio_end"),
    ]
