"""How much is held of messages that aren't complete, whatever a peer sends."""

from __future__ import annotations

from dataclasses import dataclass

from akool_async.errors import InvalidParameterError

__all__ = ["ReassemblyBounds"]


@dataclass(frozen=True, slots=True)
class ReassemblyBounds:
    """How much is held of messages that aren't complete, and for how long.

    Attributes:
        messages: messages at once; one more gives up the one that waited longest.
        parts: parts of one message.
        bytes: memory held by all of them together, counted at four bytes a character, the most
            that Python takes, and what keeping a part costs.
        age: seconds that a message may go without a new part of it.
        remembered: ended messages whose late duplicates are known; between this and twice as many,
            fewer where they have more than 64 parts on average. The default is minutes of a quick
            conversation, and 100 kB where they have 20 parts each.
    """

    messages: int = 64
    parts: int = 20_000
    bytes: int = 64 * 2**20
    age: float = 30.0
    remembered: int = 128

    def __post_init__(self) -> None:
        for name in ("messages", "parts", "bytes", "remembered"):
            if getattr(self, name) < 1:
                raise InvalidParameterError(name, f"{getattr(self, name)} is less than 1")
        if not self.age > 0:
            raise InvalidParameterError("age", f"{self.age} is not more than 0 seconds")
