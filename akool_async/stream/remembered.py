"""Messages that ended: remembered, bounded, so that a late double doesn't open a new one."""

from __future__ import annotations

from typing import Final, TypeAlias

from akool_async.stream.messages import Sender

__all__ = ["Key", "Remembered", "is_double"]

#: What names a message: a question and its reply may share a `mid`.
Key: TypeAlias = tuple[str, Sender | None]
#: Hashes of the parts' texts: by number, or in order where none was missing.
Parts: TypeAlias = tuple[int, ...] | dict[int, int]

#: How many parts are remembered for each message, on average.
_PARTS_EACH: Final = 16


class Remembered:
    """Between `limit` and twice as many of the latest ended messages.

    Two generations: when the younger is full, the older is forgotten. So nothing is searched for,
    and adding takes the same time however many there are.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts = 0
        self._young: dict[Key, Parts] = {}
        self._old: dict[Key, Parts] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: Key) -> Parts | None:
        """The hashes of the parts that came of an ended message."""
        parts = self._young.get(key)
        return self._old.get(key) if parts is None else parts

    def add(self, key: Key, parts: Parts) -> None:
        """Remembers a message with the hashes of the parts that came of it."""
        self._young[key] = parts
        self._parts += len(parts)
        if len(self._young) >= self._limit or self._parts > self._limit * _PARTS_EACH:
            self._old, self._young = self._young, {}
            self._parts = 0


def is_double(parts: Parts, idx: int | None, text: str) -> bool:
    """Whether a part that came after its message's end is one that had come before."""
    if idx is None:
        return hash(text) in (parts.values() if isinstance(parts, dict) else parts)
    if isinstance(parts, dict):
        return parts.get(idx) == hash(text)
    return idx < len(parts) and parts[idx] == hash(text)
