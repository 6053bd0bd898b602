"""Messages that ended: remembered, bounded, so that a late duplicate doesn't open a new one."""

from __future__ import annotations

from array import array
from collections.abc import Sequence, Sized
from typing import Final, Generic, TypeAlias, TypeVar

from akool_async.stream.messages import Sender

__all__ = ["UNNUMBERED", "Key", "Parts", "RecentMessages", "hashes", "is_duplicate"]

#: What names a message: a question and its reply may share a `mid`.
Key: TypeAlias = tuple[str, Sender | None]
#: Hashes of the parts' texts: by number, or in order where none was missing.
Parts: TypeAlias = "tuple[int, ...] | array[int] | dict[int, int]"
_P = TypeVar("_P", bound=Sized)

#: Stands for the number of a part whose peer left it out.
UNNUMBERED: Final = -1
#: Memory in bytes: what a part takes in an array, and in a `dict`.
_PART_COST: Final = 8
_NUMBERED_PART_COST: Final = 128
#: What the parts of each message may take, on average, in bytes.
_BYTES_EACH: Final = 64 * _PART_COST


class RecentMessages(Generic[_P]):
    """Between `limit` and twice as many of the latest ended messages, and what stands for the parts
    of each.

    Two generations: when the younger is full, the older is forgotten. So nothing is searched for,
    and adding takes the same time however many there are.
    """

    __slots__ = ("_size", "limit", "old", "young")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        #: What the parts of the younger ones take, in bytes.
        self._size = 0
        self.young: dict[Key, _P] = {}
        self.old: dict[Key, _P] = {}

    def __len__(self) -> int:
        return len(self.young) + len(self.old)

    def __contains__(self, key: Key) -> bool:
        return key in self.young or key in self.old

    def __getitem__(self, key: Key) -> _P:
        parts = self.young.get(key)
        return self.old[key] if parts is None else parts

    def add(self, key: Key, parts: _P) -> None:
        """Remembers a message with as much of its parts as is asked for later."""
        self.young[key] = parts
        each = _NUMBERED_PART_COST if isinstance(parts, dict) else _PART_COST
        self._size += len(parts) * each
        if len(self.young) >= self.limit or self._size > self.limit * _BYTES_EACH:
            self.grow_old()

    def grow_old(self) -> None:
        """Begins a new generation. `add` does so by itself; see there for when."""
        self.old, self.young = self.young, {}
        self._size = 0


def hashes(texts: Sequence[str]) -> Parts:
    """What is remembered of parts none of which was missing."""
    if len(texts) == 1:
        return (hash(texts[0]),)  # as small as an array of one, and made in a fifth of the time
    # Eight bytes a part instead of a tuple's forty: a session remembers thousands of parts.
    return array("q", [hash(text) for text in texts])


def is_duplicate(parts: Parts, idx: int, text: str) -> bool:
    """Whether a part that came after its message's end is one that had come before."""
    if idx == UNNUMBERED:
        return hash(text) in (parts.values() if isinstance(parts, dict) else parts)
    if isinstance(parts, dict):
        return parts.get(idx) == hash(text)
    return idx < len(parts) and parts[idx] == hash(text)
