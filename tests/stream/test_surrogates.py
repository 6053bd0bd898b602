"""Halves of surrogate pairs: joined, replaced in what is received, refused in what is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.stream import AGORA, CHATROOM, StreamCodec
from akool_async.stream.surrogates import (
    SurrogateJoiner,
    ends_with_high_surrogate,
    has_surrogates,
    join_surrogates,
    replace_surrogates,
)


def test_halves_are_found_joined_and_replaced() -> None:
    assert has_surrogates("a\ud83d")
    assert not has_surrogates("a\N{GRINNING FACE}")
    assert ends_with_high_surrogate("a\ud83d")
    assert not ends_with_high_surrogate("a\ude00")
    assert not ends_with_high_surrogate("")
    assert join_surrogates("\ud83d\ude00 \ude00\ud83d") == "\N{GRINNING FACE} \ude00\ud83d"
    assert replace_surrogates("\ud83d\ude00 \ude00\ud83d") == "\N{GRINNING FACE} \ufffd\ufffd"
    assert replace_surrogates("as it is") == "as it is"


def test_halves_that_meet_between_pieces_are_joined() -> None:
    joiner = SurrogateJoiner()
    given = [
        joiner.add(piece) for piece in ("Half ", "\ud83d", "", "\ude00 joined\ud83d", "\ude00")
    ]
    joiner.finish()
    assert given == ["Half ", "", "", "\N{GRINNING FACE} joined", "\N{GRINNING FACE}"]


@pytest.mark.parametrize(
    ("pieces", "at"),
    [
        (["ab\ud83d", "c"], 2),
        (["ab", "\ude00"], 2),
        (["ab\ud83dc"], 2),
        (["\ud83d", "\ud83d", "c"], 0),
        (["abc", "\ud83d"], 3),
    ],
)
def test_a_half_that_is_left_alone_is_refused(pieces: list[str], at: int) -> None:
    joiner = SurrogateJoiner("answer")
    with pytest.raises(InvalidParameterError, match=f"half of a surrogate pair at {at}") as refused:
        for piece in pieces:
            joiner.add(piece)
        joiner.finish()
    assert refused.value.field == "answer"


def _set(**data: Any) -> bytes:
    return _v2("command", CUT, cmd="set-params", data=data)


def _v2(kind: str, mid: str, **pld: Any) -> bytes:
    return json.dumps({"v": 2, "type": kind, "mid": mid, "idx": 0, "pld": pld}).encode()


def _v3(**payload: Any) -> bytes:
    return json.dumps({"type": "chat", "payload": json.dumps(payload)}).encode()


CUT = "\ude00 cut \ud83d"


@pytest.mark.parametrize(
    ("dialect", "packets"),
    [
        ("v2", [_v2("chat", CUT, text=CUT, fin=True), _v2("chat", CUT, text="late" + CUT)]),
        ("v2", [_v2("chat", "m", text=CUT), _v2("chat", "m", text="another" + CUT)]),
        ("v2", [_v2("event", CUT, event=CUT), _v2("event", "m", event="audio_end")]),
        ("v2", [_v2("command", CUT, cmd=CUT, code=1000, msg=CUT)]),
        ("v2", [_set(lang=CUT)]),
        ("v2", [_set(vparams={"pron_map": {CUT: CUT}})]),
        ("v2", [_set(vparams={"turn_detection": {"type": [CUT]}})]),
        ("v2", [_v2("command", CUT, cmd="set-action", data={"action": CUT})]),
        ("v2", [_v2("chat", CUT, text="x", **{"from": CUT})]),
        ("v3", [_v3(message_id=CUT, answer=CUT, language=CUT, prompt={"content": CUT})]),
        ("v3", [_v3(message_id=mid, answer=CUT) for mid in "121"]),
        ("v3", [_v3(message_id=CUT, question=CUT, voice_id=CUT, voice_url=CUT)]),
    ],
)  # fmt: skip
def test_every_text_handed_out_can_be_encoded(dialect: str, packets: list[bytes]) -> None:
    codec = StreamCodec(CHATROOM if dialect == "v3" else AGORA, dialect)
    received = [message for packet in packets for message in codec.decode(packet, now=0.0)]
    received += codec.expire(1e9)
    assert received
    for message in received:
        str(message).encode()
        repr(message).encode()
        for name in message.__struct_fields__:
            json.dumps(_texts(getattr(message, name)), ensure_ascii=False).encode()


def _texts(value: object) -> object:
    if isinstance(value, bytes) or value is None:
        return None
    if hasattr(value, "__struct_fields__"):
        return [_texts(getattr(value, name)) for name in value.__struct_fields__]
    return value
