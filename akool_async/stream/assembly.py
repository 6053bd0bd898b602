"""Putting messages together again, whatever the network did to their parts (PROTOCOL.md §2).

Parts may come in any order, twice, or never. What is called complete is what was sent; everything
else ends as `PartialChat`. Bounded in messages, parts, bytes and age.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from akool_async.stream.bounds import ReassemblyBounds
from akool_async.stream.chunks import join_halves
from akool_async.stream.messages import (
    Chat,
    ChatDelta,
    Ended,
    GaveUp,
    LatePart,
    PartialChat,
    Received,
    Sender,
)
from akool_async.stream.remembered import Key, Remembered, is_double

__all__ = ["MISSING_TOLD", "PartAssembler"]

#: How many missing parts a `PartialChat` names at most.
MISSING_TOLD: Final = 256
#: What holding one part costs beside its text, in bytes.
_PART_COST: Final = 128
#: And one message, with its `mid` of at most `MAX_MID` characters.
_MESSAGE_COST: Final = 4096


class _Message:
    """A message that isn't complete."""

    __slots__ = ("ahead", "half", "halves", "last", "size", "texts", "told", "touched")

    def __init__(self) -> None:
        #: The texts of parts 0, 1, 2 … without a gap.
        self.texts: list[str] = []
        #: Parts beyond a gap.
        self.ahead: dict[int, str] = {}
        #: The number of the part with `fin`, once it came.
        self.last: int | None = None
        #: The high surrogate at the end of the last delta, held back until its other half comes.
        self.half = ""
        #: Whether any part has half a surrogate pair.
        self.halves = False
        self.size = _MESSAGE_COST
        self.touched = 0.0
        #: How many of `texts` were handed on.
        self.told = 0

    def part(self, idx: int) -> str | None:
        """The text of a part that came before."""
        return self.texts[idx] if idx < len(self.texts) else self.ahead.get(idx)

    def differs(self, idx: int, text: str) -> bool:
        """Whether that part came before, with another text."""
        known = self.part(idx)
        return known is not None and known != text

    def hashes(self) -> tuple[int, ...] | dict[int, int]:
        """What is remembered of the parts once the message has ended."""
        if not self.ahead:
            return tuple(map(hash, self.texts))
        parts = dict(enumerate(map(hash, self.texts)))
        parts.update((idx, hash(text)) for idx, text in self.ahead.items())
        return parts

    def text(self) -> str:
        """What arrived, in order, with the gaps left out."""
        text = "".join((*self.texts, *(self.ahead[idx] for idx in sorted(self.ahead))))
        return join_halves(text) if self.halves else text

    def missing(self) -> tuple[int, ...]:
        return tuple(self._missing())

    def _missing(self) -> Iterator[int]:
        told, idx = 0, len(self.texts)
        end = max(self.ahead, default=idx - 1) + 1
        if self.last is not None:
            end = max(end, self.last + 1)
        while idx < end and told < MISSING_TOLD - 1:
            if idx not in self.ahead:
                yield idx
                told += 1
            idx += 1
        if self.last is None:
            yield end


class PartAssembler:
    """Version 2: parts with a number each, the last of them with `fin`."""

    def __init__(self, bounds: ReassemblyBounds) -> None:
        self._bounds = bounds
        #: In the order of their last part.
        self._open: OrderedDict[Key, _Message] = OrderedDict()
        self._ended = Remembered(bounds.remembered)
        self._size = 0
        #: Parts that came twice.
        self.doubles = 0

    @property
    def held_bytes(self) -> int:
        """What is held of messages that aren't complete."""
        return self._size

    def __len__(self) -> int:
        return len(self._open)

    def deadline(self) -> float | None:
        """When the first message is to be given up."""
        for message in self._open.values():
            return message.touched + self._bounds.age
        return None

    def expire(self, now: float) -> list[Received]:
        """Gives up what had no new part for `bounds.age` seconds."""
        out: list[Received] = []
        while self._open:
            key, message = next(iter(self._open.items()))
            if message.touched + self._bounds.age > now:
                break
            self._give_up(key, message, "age", out)
        return out

    def finish(self, mid: str, sender: Sender | None, *, ended: Ended) -> list[Received]:
        """Ends a message that has no `fin`: complete if no part is known to be missing."""
        key = (mid, sender)
        message = self._open.get(key)
        if message is None:
            return []
        out: list[Received] = []
        if message.ahead or message.last is not None:
            self._give_up(key, message, "finished", out)
        else:
            self._complete(key, message, ended, out)
        return out

    def add(
        self,
        mid: str,
        sender: Sender | None,
        idx: int | None,
        fin: bool,
        text: str,
        now: float,
        *,
        halves: bool = False,
    ) -> list[Received]:
        """Takes a part; `idx` is `None` where the peer left it out.

        `halves`: the text has half a surrogate pair in it.
        """
        key = (mid, sender)
        message = self._open.get(key)
        if message is None:
            parts = self._ended.get(key)
            if parts is not None:
                if is_double(parts, idx, text):
                    self.doubles += 1
                    return []
                return [LatePart(text, mid, sender, len(parts) if idx is None else idx)]
            if fin and not idx:
                if mid:
                    self._ended.add(key, (hash(text),))
                chat = Chat(text, mid, sender)
                return [ChatDelta(text, mid, sender), chat] if text else [chat]
            message = self._open[key] = _Message()
            self._size += message.size
            out: list[Received] = []
            self._take(key, message, 0 if idx is None else idx, fin, text, out)
        else:
            out = []
            number = len(message.texts) if idx is None else idx
            if not mid and number == 0 and message.differs(0, text):
                # Nothing names the messages of this peer: another one began.
                self._give_up(key, message, "conflict", out)
                return out + self.add(mid, sender, idx, fin, text, now, halves=halves)
            self._take(key, message, number, fin, text, out)
        message.halves = message.halves or halves
        message.touched = now
        if key in self._open:
            self._open.move_to_end(key)
            self._advance(key, message, out)
            self._keep_bounds(out)
        return out

    def _take(
        self, key: Key, message: _Message, idx: int, fin: bool, text: str, out: list[Received]
    ) -> None:
        """Puts a part into its place, or gives the message up where it contradicts itself."""
        known = message.part(idx)
        if known is not None and known != text:
            self._give_up(key, message, "conflict", out)
            out.append(LatePart(text, *key, idx))
            return
        if idx >= self._bounds.parts:
            self._give_up(key, message, "parts", out)
            out.append(LatePart(text, *key, idx))
            return
        if message.last is not None and idx > message.last:
            if fin:
                self._give_up(key, message, "conflict", out)
            out.append(LatePart(text, *key, idx))
            return
        if known is None:
            cost = text.__sizeof__() + _PART_COST
            message.size += cost
            self._size += cost
            if idx == len(message.texts):
                message.texts.append(text)
            else:
                message.ahead[idx] = text
        else:
            self.doubles += 1
        if fin and message.last is None:
            if len(message.texts) > idx + 1:
                self._give_up(key, message, "conflict", out)
                return
            message.last = idx
            beyond = sorted(number for number in message.ahead if number > idx)
            out.extend(LatePart(message.ahead.pop(late), *key, late) for late in beyond)

    def _advance(self, key: Key, message: _Message, out: list[Received]) -> None:
        """Hands on what follows in order; completes the message where that was the last of it."""
        texts, ahead = message.texts, message.ahead
        while ahead and (text := ahead.pop(len(texts), None)) is not None:
            texts.append(text)
        count = len(texts)
        whole = message.last is not None and count == message.last + 1
        if count > message.told:
            fresh = texts[-1] if count == message.told + 1 else "".join(texts[message.told :])
            message.told = count
            if message.halves:
                fresh = join_halves(message.half + fresh)
                message.half = ""
                if fresh and not whole and "\ud800" <= fresh[-1] <= "\udbff":
                    fresh, message.half = fresh[:-1], fresh[-1]
            if fresh:
                out.append(ChatDelta(fresh, *key, count - 1))
        if whole:
            self._complete(key, message, "fin", out)

    def _complete(self, key: Key, message: _Message, ended: Ended, out: list[Received]) -> None:
        if message.half:
            out.append(ChatDelta(message.half, *key, len(message.texts) - 1))
        out.append(Chat(message.text(), *key, ended))
        self._forget(key, message)

    def _give_up(self, key: Key, message: _Message, reason: GaveUp, out: list[Received]) -> None:
        out.append(PartialChat(message.text(), *key, message.missing(), reason))
        self._forget(key, message)

    def _forget(self, key: Key, message: _Message) -> None:
        del self._open[key]
        self._size -= message.size
        if key[0]:
            self._ended.add(key, message.hashes())

    def _keep_bounds(self, out: list[Received]) -> None:
        """Gives up those that waited longest until the rest is within the bounds."""
        bounds = self._bounds
        while len(self._open) > bounds.messages or self._size > bounds.bytes:
            reason: GaveUp = "messages" if len(self._open) > bounds.messages else "bytes"
            oldest = next(iter(self._open))
            self._give_up(oldest, self._open[oldest], reason, out)
