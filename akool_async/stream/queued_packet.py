"""A packet on its way out, with the message it belongs to and the text it carries."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["QueuedPacket"]


@dataclass(frozen=True, slots=True)
class QueuedPacket:
    """One packet of a message.

    Attributes:
        key: names the message; its `mid` serves.
        data: what is sent.
        text: what of a chat message's text it carries; "" for commands, and where it isn't known.
    """

    key: str
    data: bytes
    text: str = ""

    def __repr__(self) -> str:
        return f"<QueuedPacket of {self.key}: {len(self.data)} bytes>"
