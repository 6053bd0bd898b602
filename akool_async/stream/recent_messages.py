"""Messages that ended: remembered, bounded, so that a late duplicate doesn't open a new one."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final, Generic, TypeAlias, TypeVar

from akool_async.stream.messages import Sender

__all__ = [
    "UNNUMBERED",
    "Key",
    "Parts",
    "RecentMessages",
    "count_of",
    "hashes",
    "is_duplicate",
    "size_of",
]

#: What names a message: a question and its reply may share a `mid`.
Key: TypeAlias = tuple[str, Sender | None]
#: Hashes of the parts' texts: of the only part, in order where none was missing, or by number.
Parts: TypeAlias = "int | array[int] | dict[int, int]"
_T = TypeVar("_T")

#: Stands for the number of a part whose peer left it out.
UNNUMBERED: Final = -1
#: Memory in bytes: what a part takes in an array, and in a `dict`.
_PART_COST: Final = 8
_NUMBERED_PART_COST: Final = 128
#: What the parts of each message may take, on average, in bytes.
_BYTES_EACH: Final = 64 * _PART_COST


class RecentMessages(Generic[_T]):
    """The latest ended messages, each with what is asked of it later: `limit` to twice as many.

    Two generations: when the younger is full, the older is forgotten. So nothing is searched for,
    and adding takes the same time however many there are.
    """

    __slots__ = ("_size", "limit", "old", "young")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        #: What is kept of the younger ones, in bytes.
        self._size = 0
        self.young: dict[Key, _T] = {}
        self.old: dict[Key, _T] = {}

    def __len__(self) -> int:
        return len(self.young) + len(self.old)

    def __contains__(self, key: Key) -> bool:
        return key in self.young or key in self.old

    def __getitem__(self, key: Key) -> _T:
        return self.young[key] if key in self.young else self.old[key]

    def add(self, key: Key, kept: _T, size: int = 0) -> None:
        """Remembers a message with what is kept of it, which takes `size` bytes."""
        self.young[key] = kept
        self._size += size
        if len(self.young) >= self.limit or self._size > self.limit * _BYTES_EACH:
            self.start_generation()

    def start_generation(self) -> None:
        """Forgets the older generation. `add` does so by itself; see there for when."""
        self.old, self.young = self.young, {}
        self._size = 0


def hashes(texts: Sequence[str]) -> Parts:
    """What is remembered of parts none of which was missing."""
    if len(texts) == 1:
        return hash(texts[0])
    # Eight bytes a part instead of a tuple's forty: a session remembers thousands of parts.
    return array("q", [hash(text) for text in texts])


def count_of(parts: Parts) -> int:
    """How many parts are remembered."""
    return 1 if isinstance(parts, int) else len(parts)


def size_of(parts: Parts) -> int:
    """What remembering the parts takes, in bytes."""
    return count_of(parts) * (_NUMBERED_PART_COST if isinstance(parts, dict) else _PART_COST)


def is_duplicate(parts: Parts, idx: int, text: str) -> bool:
    """Whether a part that came after its message's end is one that had come before."""
    if isinstance(parts, int):
        return idx in (0, UNNUMBERED) and parts == hash(text)
    if idx == UNNUMBERED:
        return hash(text) in (parts.values() if isinstance(parts, dict) else parts)
    if isinstance(parts, dict):
        return parts.get(idx) == hash(text)
    return idx < len(parts) and parts[idx] == hash(text)
