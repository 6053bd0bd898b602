from __future__ import annotations

import json

import msgspec
import pytest

from akool_async.rest.tolerant_json import decode_json


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": "plain"}', {"a": "plain"}),
        # half of a surrogate pair: escaped, first or second; in a key; before another escape
        (rb'{"a": "cut \ud83d"}', {"a": "cut �"}),
        (rb'{"a": "\ude00 cut"}', {"a": "� cut"}),
        (rb'{"\ud83d": 1}', {"�": 1}),
        (rb'["\ud83d\n\ud83d\ud83d\ude00"]', ["�\n�😀"]),
        (rb'["\ud83d\u0041"]', ["�A"]),
        # whole pairs, and what only looks like an escape
        (rb'["\ud83d\ude00", "\ud83d"]', ["😀", "�"]),
        (rb'["\\ud83d", "\ud83d"]', [r"\ud83d", "�"]),
        # halves as bytes, alone and as the two of a pair
        (b'["cut \xed\xa0\xbd"]', ["cut �"]),
        (b'["\xed\xa0\xbd\xed\xb8\x80"]', ["😀"]),
        # byte order marks and other encodings
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf["\xed\xa0\xbd"]', ["�"]),
        (b'\xef\xbb\xbf["caf\xe9"]', ["café"]),
        ('["é"]'.encode("utf-16"), ["é"]),
        ('["é"]'.encode("utf-32"), ["é"]),
        # bytes of Latin-1 among others
        (b'["caf\xe9"]', ["café"]),
        ('["😀 '.encode() + b'caf\xe9"]', ["😀 café"]),
        # control characters in a string
        (b'["two\nlines\t"]', ["two\nlines\t"]),
    ],
)
def test_what_is_read(body: bytes, value: object) -> None:
    read = decode_json(body)
    assert read == value
    json.dumps(read, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"a": "secret',
        b'\xef\xbb\xbf{"a": "secret',
        b"\xff\xfe",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"[" + b"9" * 100_000 + b"x]",
    ],
)
def test_what_is_not_json(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError) as caught:
        decode_json(body)
    assert "secret" not in str(caught.value)
    # Errors of `json` and of codecs hold the whole text.
    assert caught.value.__cause__ is None
