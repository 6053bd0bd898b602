"""The parts of one message that isn't complete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from akool_async.stream.messages import Sender
from akool_async.stream.recent_messages import Key, Parts, hashes
from akool_async.stream.surrogates import (
    ends_with_high_surrogate,
    join_surrogates,
    replace_surrogates,
)

__all__ = [
    "CHARACTER_COST",
    "MESSAGE_COST",
    "MOST_MISSING",
    "NOT_NEXT",
    "PART_COST",
    "MessageBuffer",
]

#: How many missing parts a `PartialChat` names at most.
MOST_MISSING: Final = 256
#: Memory in bytes: what a character takes at most, a part beside its characters, and a message
#: beside its parts, its `mid` of at most `MAX_MID` characters included.
CHARACTER_COST: Final = 4
PART_COST: Final = 192
MESSAGE_COST: Final = 4096
#: A number that no part has, and that isn't `UNNUMBERED` either.
NOT_NEXT: Final = -2


def part_size(text: str) -> int:
    """What holding a part takes, in bytes, at most."""
    return len(text) * CHARACTER_COST + PART_COST


class MessageBuffer:
    """What came of a message, and what was handed on of it."""

    __slots__ = (
        "ahead",
        "began",
        "delivered",
        "held_back",
        "key",
        "last",
        "mid",
        "next",
        "sender",
        "surrogates",
        "texts",
        "touched",
    )

    def __init__(self, key: Key) -> None:
        self.key = key
        self.mid: str = key[0]
        self.sender: Sender | None = key[1]
        #: The texts of parts 0, 1, 2 … without a gap.
        self.texts: list[str] = []
        #: Parts beyond a gap.
        self.ahead: dict[int, str] = {}
        #: The number of the part with `fin`, once it came.
        self.last: int | None = None
        #: The high surrogate at the end of the last delta, held back until its other half comes.
        self.held_back = ""
        #: Whether any part has half a surrogate pair.
        self.surrogates = False
        #: When a part came first, and last.
        self.began = 0.0
        self.touched = 0.0
        #: How many of `texts` were handed on.
        self.delivered = 0
        #: The number of the part that may just be appended; `NOT_NEXT` while it isn't that simple.
        self.next = NOT_NEXT

    def part(self, idx: int) -> str | None:
        """The text of a part, where it came before."""
        return self.texts[idx] if idx < len(self.texts) else self.ahead.get(idx)

    def size(self) -> int:
        """What is held of it, in bytes."""
        parts = sum(map(part_size, self.texts)) + sum(map(part_size, self.ahead.values()))
        return MESSAGE_COST + parts

    def catch_up(self) -> None:
        """Notes that what came the short way was handed on."""
        if self.next != NOT_NEXT:
            self.delivered = len(self.texts)

    def close_up(self) -> None:
        """Appends the parts that follow without a gap."""
        while self.ahead and (text := self.ahead.pop(len(self.texts), None)) is not None:
            self.texts.append(text)

    def hand_on(self, *, whole: bool) -> str:
        """What is new in order; `whole`: nothing comes after it."""
        fresh = self.texts[-1]
        if len(self.texts) > self.delivered + 1:
            fresh = "".join(self.texts[self.delivered :])
        self.delivered = len(self.texts)
        if self.surrogates:
            fresh, self.held_back = join_surrogates(self.held_back + fresh), ""
            if not whole and ends_with_high_surrogate(fresh):
                fresh, self.held_back = fresh[:-1], fresh[-1]
            fresh = replace_surrogates(fresh)
        return fresh

    def text(self) -> str:
        """What arrived, in order, with the gaps left out."""
        text = "".join(self.texts + [self.ahead[idx] for idx in sorted(self.ahead)])
        return replace_surrogates(text) if self.surrogates else text

    def missing(self) -> tuple[int, ...]:
        """The numbers known to be missing, at most `MOST_MISSING` of them."""
        return tuple(self._missing())

    def _missing(self) -> Iterator[int]:
        delivered, idx = 0, len(self.texts)
        end = max(self.ahead, default=idx - 1) + 1
        if self.last is not None:
            end = max(end, self.last + 1)
        while idx < end and delivered < MOST_MISSING - 1:
            if idx not in self.ahead:
                yield idx
                delivered += 1
            idx += 1
        if self.last is None:
            yield end

    def hashes(self) -> Parts:
        """What is remembered of the parts once the message has ended."""
        if not self.ahead:
            return hashes(self.texts)
        parts = dict(enumerate(map(hash, self.texts)))
        parts.update((idx, hash(text)) for idx, text in self.ahead.items())
        return parts
