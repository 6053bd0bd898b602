"""The legacy chat room's dialect: JSON inside JSON, frames without an end."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from akool_async.stream import (
    CHATROOM,
    Chat,
    ChatDelta,
    PacketLimits,
    Prompt,
    QuestionOptions,
    RawPayload,
    StreamCodec,
    UnknownMessage,
)


def frame(answer: Any = None, mid: str = "m", **payload: Any) -> bytes:
    content: dict[str, Any] = {"message_id": mid, **payload}
    if answer is not None:
        content["answer"] = answer
    return json.dumps({"type": "chat", "from": "server_1", "payload": json.dumps(content)}).encode()


def outer(payload: Any, **fields: Any) -> bytes:
    return json.dumps({"type": "chat", "payload": payload, **fields}).encode()


@pytest.fixture
def codec() -> StreamCodec:
    return StreamCodec(CHATROOM, "v3", own_id="client_1", peer_id="server_1", quiet_time=2.0)


def test_a_question_is_written_as_documented(codec: StreamCodec) -> None:
    options = QuestionOptions("voice", "https://e.org/v", "en", 2, Prompt("url", "https://e.org/p"))
    [packet] = codec.encode(Chat('Say "hi"\n', "msg-1", options=options))
    written = json.loads(packet)
    assert json.loads(written.pop("payload")) == {
        "message_id": "msg-1",
        "voice_id": "voice",
        "voice_url": "https://e.org/v",
        "language": "en",
        "mode_type": 2,
        "prompt": {"from": "url", "content": "https://e.org/p"},
        "question": 'Say "hi"\n',
    }
    assert written == {"type": "chat", "to": "server_1"}


def test_without_options_and_names_only_what_is_needed_is_sent() -> None:
    [packet] = StreamCodec(CHATROOM, "v3").encode(Chat("Hi", "m"))
    assert packet == rb'{"type":"chat","payload":"{\"message_id\":\"m\",\"question\":\"Hi\"}"}'


def test_a_long_question_is_cut_into_frames_of_one_message_id() -> None:
    codec = StreamCodec(PacketLimits(300), "v3", peer_id="server_1")
    text = 'He said: "\\o/"\n' * 100
    packets = codec.encode(Chat(text, "m", options=QuestionOptions(language="en")))
    assert len(packets) > 1
    assert all(len(packet) <= 300 for packet in packets)
    payloads = [json.loads(json.loads(packet)["payload"]) for packet in packets]
    assert "".join(payload["question"] for payload in payloads) == text
    assert {(payload["message_id"], payload["language"]) for payload in payloads} == {("m", "en")}


def test_languages_come_as_names(codec: StreamCodec) -> None:
    codec.decode(frame("Hallo", language="German", mode_type="1", prompt={"content": 5}), now=0.0)
    [chat] = codec.expire(2.0)
    assert chat == Chat(
        "Hallo", "m", "bot", "quiet", QuestionOptions(None, None, "de", 1, Prompt("text", ""))
    )


def test_what_is_not_json_goes_as_base64(codec: StreamCodec) -> None:
    [packet] = codec.encode(RawPayload(b"\xff\x00"))
    assert json.loads(packet) == {
        "type": "chat",
        "to": "server_1",
        "payload": base64.b64encode(b"\xff\x00").decode(),
    }
    assert codec.decode(packet, now=0.0) == [
        UnknownMessage(packet, "payload is base64 of 2 bytes: not UTF-8 (byte 0)")
    ]


@pytest.mark.parametrize(
    "packet",
    [
        frame("Hi"),
        frame("Hi", question="Hello", mode_type=9, language="", voice_id=None),
        outer({"message_id": "m", "answer": "Hi"}),
        outer(base64.b64encode(b'{"message_id":"m","answer":"Hi"}').decode(), extra=1),
        json.dumps({"payload": '{"message_id":"m","answer":"Hi"}'}).encode(),
    ],
)
def test_answers_are_read_leniently(codec: StreamCodec, packet: bytes) -> None:
    assert codec.decode(packet, now=0.0) == [ChatDelta("Hi", "m", "bot", 0)]
    assert codec.expire(2.0) == [Chat("Hi", "m", "bot", "quiet")]


@pytest.mark.parametrize(("mid", "read"), [(7, "7"), (None, "")])
def test_odd_message_ids(codec: StreamCodec, mid: Any, read: str) -> None:
    assert codec.decode(frame("Hi", mid), now=0.0) == [ChatDelta("Hi", read, "bot", 0)]


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"hello", "not JSON"),
        (outer("{}", type="ping"), "of another type than chat"),
        (outer(None), "payload is neither an object nor the text of one"),
        (outer("[1]"), "payload is JSON, but not an object: list"),
        (outer("hi there!"), "payload is not JSON"),
        (outer("\ud83d"), "payload is not JSON"),
        (outer(base64.b64encode(b"hi").decode()), "payload is base64 of 2 bytes: not JSON"),
        (outer("{}"), "payload has neither an answer nor a question"),
        (frame(5), "payload has neither an answer nor a question"),
        (frame("Hi", "m" * 513), "message_id has 513 characters, more than 512"),
        (frame("Hi", ["m"]), "message_id is no string"),
    ],
)
def test_what_is_not_understood_is_handed_on_raw(
    codec: StreamCodec, packet: bytes, reason: str
) -> None:
    assert codec.decode(packet, now=0.0) == [UnknownMessage(packet, reason)]


def test_a_message_written_piece_by_piece_ends_without_an_empty_frame() -> None:
    """There is no end mark: an empty frame would be a question of its own."""
    writer = StreamCodec(CHATROOM, "v3", peer_id="server_1").open_chat("m")
    assert len([*writer.add("Hello. "), *writer.flush()]) == 1
    assert writer.finish() == []
    writer = StreamCodec(CHATROOM, "v3", peer_id="server_1").open_chat("m")
    assert len(writer.finish()) == 1
