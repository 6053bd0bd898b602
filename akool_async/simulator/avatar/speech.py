"""What the avatar is about to say: where its text comes from and how it is cut into pieces."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from akool_async.simulator.avatar.dialect import Question

__all__ = [
    "Piece",
    "ReplyFunction",
    "SpeechJob",
    "TextFeed",
    "answer_of",
    "default_reply",
    "pieces",
]

#: A function of what was asked: plain or async, of one text or of several one after another.
ReplyFunction: TypeAlias = Callable[
    [str], str | Awaitable[str] | Iterable[str] | AsyncIterator[str]
]

#: The most characters in one piece: escaped twelve-fold it still fits a packet of 1000 bytes.
_LONGEST: Final = 60
_WORD: Final = re.compile(r"\s*\S+\s*|\s+")


def default_reply(text: str) -> str:
    """What an avatar answers that was given no `reply=`."""
    if text.strip().lower().rstrip("!. ") in {"hello", "hi"}:
        return "Hello! How can I assist you today?"
    return f"You said: {text}"


@dataclass(slots=True)
class Piece:
    """Part of a text; `words` is how many it has, `last`: nothing follows."""

    text: str
    words: int
    last: bool


@dataclass(slots=True, eq=False)
class SpeechJob:
    """One thing to say.

    Attributes:
        question: what it answers.
        texts: where the text comes from; a plain string is known to its end. `None`: it is
            still to be made, by the simulator's `reply=`.
        shown: the text is sent, besides being spoken.
        at_once: the whole text is sent before it is spoken.
    """

    question: Question
    texts: str | AsyncIterator[str] | None
    shown: bool = True
    at_once: bool = False
    #: How far it has come, for ending it properly.
    mid: str = field(default="", init=False)
    idx: int = field(default=0, init=False)
    begun: bool = field(default=False, init=False)
    ending: bool = field(default=False, init=False)
    closed: bool = field(default=False, init=False)
    spoken: list[str] = field(default_factory=list, init=False)


class TextFeed:
    """A text that is being heard while it is said: parts go in, the iterator hands them out."""

    def __init__(self) -> None:
        self._parts: asyncio.Queue[str | None] = asyncio.Queue()

    def add(self, text: str) -> None:
        """The next part."""
        self._parts.put_nowait(text)

    def end(self) -> None:
        """No more parts."""
        self._parts.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[str]:
        while (part := await self._parts.get()) is not None:
            yield part


def pieces(text: str, words: int, *, halves_surrogates: bool = False) -> Iterator[Piece]:
    """Cuts a text into pieces of so many words, none of them long; joined they are the text."""
    cut: list[tuple[str, int]] = []
    current, count = "", 0
    for match in _WORD.finditer(text):
        word = match.group()
        if current and (count >= words or len(current) + len(word) > _LONGEST):
            cut.append((current, count))
            current, count = "", 0
        for start in range(0, len(word), _LONGEST):
            if current and start:
                cut.append((current, count))
                current, count = "", 0
            current += word[start : start + _LONGEST]
        count += 1
    if current or not cut:
        cut.append((current, count))
    if halves_surrogates:
        cut = [half for text, count in cut for half in _halved(text, count)]
    for place, (text, count) in enumerate(cut):
        yield Piece(text, count, place == len(cut) - 1)


def _halved(text: str, count: int) -> list[tuple[str, int]]:
    for place, character in enumerate(text):
        if ord(character) > 0xFFFF:
            low, high = divmod(ord(character) - 0x10000, 0x400)[::-1]
            before = text[:place] + chr(0xD800 + high)
            return [(before, count), (chr(0xDC00 + low) + text[place + 1 :], 0)]
    return [(text, count)]


async def answer_of(reply: ReplyFunction, text: str) -> str | AsyncIterator[str]:
    """What `reply` says to a text: all of it, or piece by piece as it says it.

    Raises:
        TypeError: the function gave something that isn't text (for pieces: while iterating).
    """
    found: Any = reply(text)
    if inspect.isawaitable(found):
        found = await found
    if isinstance(found, str):
        return found
    if isinstance(found, (AsyncIterator, Iterable)):
        return _several(found)
    raise TypeError(f"reply= gave {type(found).__name__}, not text")


async def _several(found: AsyncIterator[Any] | Iterable[Any]) -> AsyncGenerator[str, None]:
    if isinstance(found, AsyncGenerator):
        async with aclosing(found):
            async for part in found:
                yield _text(part)
    elif isinstance(found, AsyncIterator):
        async for part in found:
            yield _text(part)
    else:
        for part in found:
            yield _text(part)


def _text(part: object) -> str:
    if not isinstance(part, str):
        raise TypeError(f"reply= gave a piece of type {type(part).__name__}, not text")
    return part
