from __future__ import annotations

from akool_async.stream.queued_packet import QueuedPacket


def test_what_is_said_is_in_no_repr() -> None:
    packet = QueuedPacket("m1", b'{"text": "my pin is 1234"}', "my pin is 1234")
    assert repr(packet) == "<QueuedPacket of m1: 26 bytes>"
    assert "1234" not in f"{[packet]}"


def test_a_command_has_no_text() -> None:
    assert QueuedPacket("c1", b"{}").text == ""
