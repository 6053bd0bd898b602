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
    LatePart,
    PacketLimits,
    PartialChat,
    Prompt,
    QuestionOptions,
    RawPayload,
    ReassemblyBounds,
    Received,
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


def test_an_answer_comes_in_pieces_and_is_over_when_another_begins(codec: StreamCodec) -> None:
    assert codec.decode(frame("Hel"), now=0.0) == [ChatDelta("Hel", "m", "bot", 0)]
    assert codec.decode(frame("lo"), now=0.1) == [ChatDelta("lo", "m", "bot", 1)]
    assert codec.decode(frame("Next", "n"), now=0.2) == [
        Chat("Hello", "m", "bot", "next"),
        ChatDelta("Next", "n", "bot", 0),
    ]


def test_an_answer_is_over_after_the_quiet_time(codec: StreamCodec) -> None:
    assert codec.deadline() is None
    codec.decode(frame("Hel"), now=10.0)
    codec.decode(frame("lo"), now=11.5)
    assert codec.deadline() == 13.5
    assert codec.expire(13.4) == []
    assert codec.expire(13.5) == [Chat("Hello", "m", "bot", "quiet")]
    assert codec.deadline() is None


def test_a_packet_after_the_quiet_time_tells_the_end_first(codec: StreamCodec) -> None:
    codec.decode(frame("Hello"), now=10.0)
    assert codec.decode(frame("more"), now=12.0) == [
        Chat("Hello", "m", "bot", "quiet"),
        LatePart("more", "m", "bot", 1),
    ]
    codec.decode(frame("Hi", "n"), now=20.0)
    assert codec.decode(b"noise", now=22.0) == [
        Chat("Hi", "n", "bot", "quiet"),
        UnknownMessage(b"noise", "not JSON"),
    ]


def test_a_piece_of_an_answer_that_another_ended_is_late(codec: StreamCodec) -> None:
    for packet in (frame("a", "1"), frame("b", "2")):
        codec.decode(packet, now=0.0)
    assert codec.decode(frame("c", "1"), now=0.1) == [LatePart("c", "1", "bot", 1)]
    assert codec.decode(frame("d", "2"), now=0.2) == [ChatDelta("d", "2", "bot", 1)]
    assert codec.expire(2.3) == [Chat("bd", "2", "bot", "quiet")]


def test_a_frame_without_an_id_ends_no_answer_that_has_one(codec: StreamCodec) -> None:
    codec.decode(frame("the ", "1"), now=0.0)
    assert codec.decode(frame("Welcome", None), now=0.1) == [ChatDelta("Welcome", "", "bot", 0)]
    assert codec.decode(frame("answer", "1"), now=0.2) == [ChatDelta("answer", "1", "bot", 1)]
    assert codec.expire(9.0) == [
        Chat("the answer", "1", "bot", "quiet"),
        Chat("Welcome", "", "bot", "quiet"),
    ]


def test_an_answer_can_be_ended_by_other_signs(codec: StreamCodec) -> None:
    codec.decode(frame("Hello"), now=0.0)
    assert codec.finish("other", "bot", ended="audio_end", now=0.1) == []
    assert codec.finish("m", "bot", ended="audio_end", now=0.1) == [
        Chat("Hello", "m", "bot", "audio_end")
    ]


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


def test_halves_of_a_pair_join_across_frames(codec: StreamCodec) -> None:
    out: list[Received] = codec.decode(frame("So \ud83d"), now=0.0)
    out += codec.decode(frame("\ude00!\ud83d"), now=0.1)
    out += codec.expire(3.0)
    assert out == [
        ChatDelta("So ", "m", "bot", 0),
        ChatDelta("\N{GRINNING FACE}!", "m", "bot", 1),
        ChatDelta("\ufffd", "m", "bot", 1),
        Chat("So \N{GRINNING FACE}!\ufffd", "m", "bot", "quiet"),
    ]


@pytest.mark.parametrize(
    ("bounds", "reason"), [({"parts": 3}, "parts"), ({"bytes": 1000}, "bytes")]
)
def test_an_answer_beyond_the_bounds_is_given_up(bounds: dict[str, int], reason: str) -> None:
    codec = StreamCodec(CHATROOM, "v3", bounds=ReassemblyBounds(**bounds))
    out: list[Received] = []
    for number in range(6):
        out += codec.decode(frame("x" * 20), now=float(number) / 10)
    [partial] = [message for message in out if isinstance(message, PartialChat)]
    assert partial.reason == reason
    assert partial.text == "x" * 20 * partial.missing[0]
    assert out[-1] == LatePart("x" * 20, "m", "bot", partial.missing[0])
    assert codec.held_bytes == 0
    assert codec.expire(100.0) == []


def test_a_message_written_piece_by_piece_ends_without_an_empty_frame() -> None:
    """There is no end mark: an empty frame would be a question of its own."""
    writer = StreamCodec(CHATROOM, "v3", peer_id="server_1").open_chat("m")
    assert len([*writer.add("Hello. "), *writer.flush()]) == 1
    assert writer.finish() == []
    writer = StreamCodec(CHATROOM, "v3", peer_id="server_1").open_chat("m")
    assert len(writer.finish()) == 1
