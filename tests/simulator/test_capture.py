"""`simulator.capture`: sessions as JSON Lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.simulator.capture import Capture

HEAD = '{"format": "akool-session", "version": 1, "dialect": "v2", "texts": true}\n'


def chat(text: str, **more: object) -> bytes:
    return json.dumps({"v": 2, "type": "chat", "mid": "m", "pld": {"text": text} | more}).encode()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    capture = Capture()
    capture.add(0.0, "sent", chat("Grüße 😀"))
    capture.add(1.23456, "received", b"not \xff JSON")
    file = tmp_path / "session.jsonl"
    capture.write(file)
    again = Capture.read(file)
    assert (again.dialect, again.texts) == ("v2", True)
    first, second = again.packets
    assert json.loads(first.data) == json.loads(chat("Grüße 😀"))
    assert (second.at, second.direction, second.data) == (1.2346, "received", b"not \xff JSON")


def test_secrets_are_left_out_and_texts_where_asked(tmp_path: Path) -> None:
    capture = Capture(texts=False)
    capture.add(0, "sent", chat("my name is Ada", api_key="key-unspoken"))
    capture.add(0, "sent", b"Ada in clear")
    payload = json.dumps({"message_id": "m", "question": "Ada?", "token": "key-unspoken"})
    capture.add(0, "sent", json.dumps({"type": "chat", "payload": payload}).encode())
    file = tmp_path / "session.jsonl"
    capture.write(file)
    written = file.read_text()
    assert "Ada" not in written
    assert "unspoken" not in written
    assert "xx xxxx xx xxx" in written
    assert json.loads(Capture.read(file).packets[0].data)["mid"] == "m"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "can't be read"),
        ("", "isn't a capture"),
        ("{}\n", "isn't a capture"),
        ('{"format": "akool-session", "version": 2}', "version 1"),
        (HEAD + "nothing\n", "line 2"),
        (HEAD + '\n{"at": 0, "direction": "in", "packet": {}}\n', "line 3"),
        (HEAD + '{"at": "soon", "direction": "sent", "packet": {}}\n', "line 2"),
        (HEAD + '{"at": 0, "direction": "sent", "data": "%"}\n', "line 2"),
        (HEAD + '{"at": 0, "direction": "sent"}\n', "line 2"),
        (HEAD + "[]\n", "line 2"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str | None, named: str) -> None:
    file = tmp_path / "session.jsonl"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InvalidParameterError, match=named):
        Capture.read(file)
