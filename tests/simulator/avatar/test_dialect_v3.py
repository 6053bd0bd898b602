"""Version 3 at the avatar's end, frame by frame (docs/protocol.md §3)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from akool_async.simulator import ServiceBehavior
from akool_async.simulator.avatar.dialect import Command, Ignored, Question
from akool_async.simulator.avatar.dialect_v3 import DialectV3


def dialect(**behavior: Any) -> DialectV3:
    return DialectV3(ServiceBehavior(**behavior), own_id="server_1", peer_id="client_1")


def frame(payload: Any, **outer: Any) -> bytes:
    return json.dumps({"type": "chat", "to": "server_1", "payload": payload} | outer).encode()


def asked(**fields: Any) -> str:
    return json.dumps({"message_id": "q1", "question": "Why?", **fields})


@pytest.mark.parametrize("encode", [str, lambda text: base64.b64encode(text.encode()).decode()])
def test_a_question_with_what_comes_along(encode: Any) -> None:
    payload = encode(asked(language="de", voice_id="", prompt={"from": "text", "content": ""}))
    [question] = dialect().read(frame(payload), 0.0)
    assert isinstance(question, Question)
    assert (question.mid, question.text) == ("q1", "Why?")
    assert "voice_id" not in question.fields
    assert question.fields["language"] == "de"


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"\xff", "not JSON"),
        (b"5", "not a chat"),
        (frame(asked(), type="ping"), "not a chat"),
        (frame(asked(), to="server_2"), "for another participant"),
        (frame(5), "payload is not JSON in a string"),
        (frame("[1]"), "payload is not JSON in a string"),
        (frame("hello"), "payload is not JSON in a string"),
        (frame(asked(question="")), "question can not be empty"),
        (frame(asked(message_id=5)), "message_id must be a string"),
        (frame(asked(mode_type=3)), "mode_type must be one of 1, 2"),
        (frame(asked(voice_url="x")), "voice_url must be a URL (http, https)"),
        (
            frame(asked(prompt={"from": "url", "content": "x"})),
            "content must be a URL (http, https)",
        ),
    ],
)
def test_what_it_makes_nothing_of(packet: bytes, reason: str) -> None:
    assert dialect().read(packet, 0.0) == [Ignored(reason)]


@pytest.mark.parametrize("in_base64", [False, True])
def test_an_answer_carries_what_the_question_had(in_base64: bool) -> None:
    question = Question("q1", "Why?", {"message_id": "q1", "language": "de", "mode_type": 2})
    packet = dialect(payload_base64=in_base64).chat("q1", 3, "Darum", last=True, question=question)
    written = json.loads(packet)
    payload = written.pop("payload")
    assert written == {"type": "chat", "from": "server_1", "to": "client_1"}
    if in_base64:
        payload = base64.b64decode(payload, validate=True)
    assert json.loads(payload) == {
        "message_id": "q1",
        "language": "German",  # a name comes back for a code
        "mode_type": 2,
        "answer": "Darum",
    }


def test_it_has_no_end_mark_events_or_commands() -> None:
    avatar = dialect()
    assert not avatar.needs_closing_part()
    assert avatar.heard_user("u1", "hi") is None
    assert avatar.audio("audio_end", "m") is None
    assert avatar.answer(Command("interrupt", "c1", {})) is None
