from __future__ import annotations

import pytest

from akool_async.simulator import ServiceBehavior
from akool_async.simulator.avatar.dialect import Command, Dialect, Heard, Question, new_mid


class Plain(Dialect):
    """A version that has chats only."""

    def read(self, packet: bytes, now: float) -> list[Heard]:
        return [Question("q", packet.decode())]

    def chat(self, mid: str, idx: int, text: str, *, last: bool, question: Question) -> bytes:
        return text.encode()

    def needs_closing_part(self) -> bool:
        return False


def test_names_of_messages_differ() -> None:
    names = {new_mid() for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith("msg-") for name in names)
    assert new_mid("user").startswith("user-")


def test_a_version_reports_only_what_it_has() -> None:
    plain = Plain(ServiceBehavior())
    assert plain.heard_user("m", "hi") is None
    assert plain.audio("audio_start", "m") is None
    assert plain.answer(Command("interrupt", "c1", {})) is None


def test_reading_and_writing_are_a_versions_own() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Dialect(ServiceBehavior())  # type: ignore[abstract]


def test_a_command_is_accepted_unless_it_is_refused() -> None:
    command = Command("interrupt", "c1", {})
    assert (command.code, command.message) == (1000, "OK")
