from __future__ import annotations

from akool_async.stream.json_output import dump, escape, escape_twice, unescape


def test_a_half_alone_is_written_as_its_escape() -> None:
    assert escape("\ud83d\ude00") == "\N{GRINNING FACE}".encode()
    assert escape("a\ud83d") == rb"a\ud83d"
    assert dump({"a": "\ud83d"}) == rb'{"a":"\ud83d"}'
    for text in ("plain", '"\\\n\0', "a\ud83d", "\N{GRINNING FACE}"):
        assert unescape(escape(text), 1) == text
        assert unescape(escape_twice(text), 2) == text
