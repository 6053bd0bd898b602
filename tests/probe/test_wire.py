"""What packets say, and in which form."""

from __future__ import annotations

import base64
import json

import pytest

from akool_async.probe.wire import Seen, halved, read_packet


def v2(**message: object) -> Seen:
    return read_packet(json.dumps({"v": 2, **message}).encode(), 1.0, "v2")


@pytest.mark.parametrize("place", ["top", "pld", None])
def test_a_part_of_a_text(place):
    payload: dict[str, object] = {"from": "bot", "text": "Hello"}
    message: dict[str, object] = {"type": "chat", "mid": "m", "idx": 0, "pld": payload}
    if place is not None:
        (message if place == "top" else payload)["fin"] = False
    seen = v2(**message)
    assert (seen.kind, seen.mid, seen.text) == ("bot", "m", "Hello")
    assert (seen.fin, seen.fin_place) == (None if place is None else False, place)


def test_who_a_text_is_from():
    assert v2(type="chat", pld={"from": "user", "text": "a"}).kind == "user"
    nameless = v2(type="chat", pld={"text": "a"})
    assert (nameless.kind, nameless.anonymous, nameless.mid) == ("bot", True, "")


@pytest.mark.parametrize("form", ["command", "cmd"])
def test_the_answer_to_a_command(form):
    seen = v2(type=form, mid="c", pld={"cmd": "interrupt", "code": 1000, "msg": "OK"})
    assert (seen.kind, seen.text, seen.form, seen.code) == ("answer", "interrupt", form, 1000)


def test_speech_is_reported():
    assert v2(type="event", mid="m", pld={"event": "audio_end"}) == Seen(1.0, "audio_end", "m")


@pytest.mark.parametrize("encoded", [False, True])
def test_an_answer_in_the_chat_room(encoded):
    payload = json.dumps({"message_id": "m", "answer": "Hello"})
    if encoded:
        payload = base64.b64encode(payload.encode()).decode()
    frame = json.dumps({"type": "chat", "payload": payload}).encode()
    assert read_packet(frame, 1.0, "v3") == Seen(1.0, "bot", "m", "Hello", encoded=encoded)


@pytest.mark.parametrize(
    "packet",
    [b"", b"\xff", b"[]", b'{"v": 1, "pld": {}}', b'{"v": 2, "pld": 1}', b'{"v": 2, "pld": {}}'],
)
@pytest.mark.parametrize("dialect", ["v2", "v3"])
def test_what_isnt_understood(packet, dialect):
    assert read_packet(packet, 1.0, dialect).kind == "other"
    assert read_packet(b'{"payload": "%%%"}', 1.0, "v3").kind == "other"


def test_halves_of_surrogate_pairs():
    assert halved("a\ud83d")
    assert not halved("a\N{GRINNING FACE}")
