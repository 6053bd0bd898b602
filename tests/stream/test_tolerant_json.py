"""Whatever a packet holds, reading it raises nothing but NotOursError."""

from __future__ import annotations

import json

import pytest

from akool_async.stream import AGORA, CHATROOM, Dialect, StreamCodec, UnknownMessage
from akool_async.stream.tolerant_json import (
    NotOursError,
    read_bool,
    read_id,
    read_int,
    read_object,
    read_sender,
)

DEEP = "[" * 100_000 + "]" * 100_000
HUGE = "9" * 5_000
ODD = [
    DEEP,
    DEEP[:100_000],
    '{"a":' * 50_000 + "1" + "}" * 50_000,
    HUGE,
    "1e999",
    "NaN",
    "-Infinity",
    "null",
    '"\\u0000"',
    '"\\ud83d"',
    "\0",
]


@pytest.mark.parametrize("dialect", ["v2", "v3"])
@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_decode_raises_nothing(dialect: Dialect, odd: str) -> None:
    codec = StreamCodec(CHATROOM if dialect == "v3" else AGORA, dialect)
    payload = json.dumps(f'{{"message_id":"m","answer":{odd}}}')
    chat = '{"v":2,"type":"chat","mid":"m","idx":0,"pld":'
    command = '{"v":2,"type":"command","mid":"m","pld":{"cmd":"set-params","data":'
    for text in (
        odd,
        odd + "\0",
        f'{{"v":{odd}}}',
        f"{chat}{odd}}}",
        f'{chat}{{"text":"x","other":{odd}}}}}',
        f'{{"v":2,"type":"chat","mid":{odd},"idx":{odd},"fin":{odd},"pld":{{"text":"x"}}}}',
        f"{command}{odd}}}}}",
        f'{command}{{"vparams":{{"turn_detection":{{"type":{odd}}},"speed":{odd}}}}}}}}}',
        f'{{"v":2,"type":"command","mid":"m","pld":{{"cmd":"x","code":{odd}}}}}',
        f'{{"type":"chat","payload":{payload}}}',
        f'{{"type":"chat","payload":{odd}}}',
        f'{{"type":"chat","payload":{{"answer":"x","mode_type":{odd},"prompt":{odd}}}}}',
    ):
        for packet in (text.encode(), b"\xef\xbb\xbf" + text.encode()):
            for message in codec.decode(packet, now=0.0):
                str(message).encode()


def test_bytes_that_are_no_json_are_handed_on_as_they_came() -> None:
    codec = StreamCodec(AGORA)
    for packet in (b"", b"\0", b"\xff", b"\xed\xa0\x80", b"{}\0garbage", bytes(70_000)):
        [message] = codec.decode(packet, now=0.0)
        assert isinstance(message, UnknownMessage)
        assert message.raw == packet


def test_reading_values() -> None:
    assert [read_int(value) for value in (1, "1", 1.0, True, "x", 1.5, 1e999, "9" * 20, 2**60)] == [
        1, 1, 1, None, None, None, None, None, None,
    ]  # fmt: skip
    assert [read_bool(value) for value in (True, 1, "true", 0, "0", 2, "x", None)] == [
        True, True, True, False, False, None, None, None,
    ]  # fmt: skip
    assert (read_id(None, "mid"), read_id(7, "mid"), read_id("m", "mid")) == ("", "7", "m")
    assert (read_sender(""), read_sender(" Bot "), read_sender("USER")) == (None, "bot", "user")
    for wrong in ([], True, 1e999, "m" * 513):
        with pytest.raises(NotOursError, match="mid"):
            read_id(wrong, "mid")
    with pytest.raises(NotOursError, match="nested too deeply"):
        read_object(DEEP)
