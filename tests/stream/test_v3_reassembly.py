"""Frames of the legacy chat room become answers: by the next one, by quiet, by other signs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from akool_async.stream import (
    CHATROOM,
    Chat,
    ChatDelta,
    LatePart,
    PartialChat,
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


@pytest.fixture
def codec() -> StreamCodec:
    return StreamCodec(CHATROOM, "v3", own_id="client_1", peer_id="server_1", quiet_time=2.0)


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


def test_a_packet_after_the_quiet_time_gives_the_end_first(codec: StreamCodec) -> None:
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
