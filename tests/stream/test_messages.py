"""Messages: immutable, compared by value, and a line for a person to read."""

from __future__ import annotations

import msgspec
import pytest

from akool_async.stream import (
    Chat,
    ChatDelta,
    CommandAnswer,
    Interrupt,
    LatePart,
    Message,
    PartialChat,
    RawPayload,
    SetAction,
    SetParams,
    SpeechEvent,
    UnknownMessage,
    VoiceParams,
)

LINES: list[tuple[Message, str]] = [
    (Chat("Hello", "m-1"), "chat m-1: 'Hello'"),
    (Chat("Hi", "m-1", "bot", "quiet"), "chat m-1 from bot (ended by quiet): 'Hi'"),
    (Chat("x" * 61, "", "user"), f"chat without mid from user: '{'x' * 57}'…"),
    (ChatDelta("Hi", "m-1", "bot", 3), "piece 3 of m-1 from bot: 'Hi'"),
    (
        PartialChat("Hi", "m-1", "bot", (1, 4), "age"),
        "chat m-1 from bot given up (age), parts missing: 1, 4: 'Hi'",
    ),
    (
        PartialChat("", "m-1", "bot", tuple(range(9)), "parts"),
        "chat m-1 from bot given up (parts), parts missing: 0, 1, 2, 3, 4, 5, 6, 7 …: ''",
    ),
    (
        PartialChat("", "m-1", None, (), "conflict"),
        "chat m-1 given up (conflict), parts missing: none: ''",
    ),
    (LatePart("Hi", "m-1", "bot", 2), "late part 2 of m-1 from bot: 'Hi'"),
    (CommandAnswer("interrupt", 1000, "OK", "m-1"), "interrupt m-1 answered: 1000 OK"),
    (CommandAnswer("interrupt", 1003), "interrupt without mid answered: 1003"),
    (SpeechEvent("audio_start"), "event audio_start"),
    (SpeechEvent("audio_end", "m-1"), "event audio_end of m-1"),
    (
        UnknownMessage(b"\xff" * 99, "not UTF-8"),
        "not understood (not UTF-8): " + repr(b"\xff" * 57) + "…",
    ),
    (RawPayload(b"\0"), "payload of 1 bytes: b'\\x00'"),
    (Interrupt("m-1"), "interrupt m-1"),
    (SetParams("m-1", "en", 2), "set-params m-1 lang='en' mode=2"),
    (
        SetParams("m-1", vparams=VoiceParams(vid="v", speed=1.1)),
        "set-params m-1 vparams=(vid='v', speed=1.1)",
    ),
    (SetAction("m-1", "nod", "fear"), "set-action m-1 nod fear"),
]


@pytest.mark.parametrize(("message", "line"), LINES)
def test_a_line_for_a_person(message: Message, line: str) -> None:
    assert str(message) == line


@pytest.mark.parametrize("message", [message for message, _ in LINES])
def test_messages_do_not_change(message: Message) -> None:
    name = message.__struct_fields__[0]
    with pytest.raises(AttributeError):
        setattr(message, name, "other")
    assert message == msgspec.structs.replace(message)
