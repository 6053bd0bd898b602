"""Reading the text of an async iterable ahead of what is being spoken of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from akool_async.conversation.boundaries import boundary
from akool_async.errors import InvalidParameterError

__all__ = ["Reading", "checked"]

#: Characters of a sentence that never ends, after which it is sent all the same.
_LONGEST_SENTENCE: Final = 500
#: Characters read ahead.
_READ_AHEAD: Final = 20_000


def checked(piece: object) -> str:
    """A piece of text; an iterator may give anything."""
    if not isinstance(piece, str):
        raise InvalidParameterError("text", f"the iterator gave {type(piece).__name__}, not str")
    return piece


class Reading:
    """Reads an iterator ahead of what is being spoken, and gives out whole sentences."""

    def __init__(self, source: AsyncIterator[str]) -> None:
        self._source = source
        self._text = ""
        self._over = False
        self._change = asyncio.Event()
        self._space = asyncio.Event()
        self._space.set()

    @property
    def exhausted(self) -> bool:
        """Whether nothing more comes."""
        return self._over and not self._text.strip()

    async def run(self) -> None:
        """Reads to the end; raises what the iterator raises."""
        try:
            async for piece in self._source:
                self._text += checked(piece)
                self._change.set()
                if len(self._text) > _READ_AHEAD:
                    self._space.clear()
                    await self._space.wait()
        finally:
            self._over = True
            self._change.set()
            close = getattr(self._source, "aclose", None)
            if close is not None:  # by the task that read it
                await close()

    async def take(self) -> str | None:
        """All sentences that are whole by now, once one is; `None` at the end."""
        while True:
            end = boundary(self._text, clauses=False)
            if not end and (self._over or len(self._text) >= _LONGEST_SENTENCE):
                end = len(self._text)
            if end:
                text, self._text = self._text[:end], self._text[end:]
                self._space.set()
                if text.strip():
                    return text
                continue
            if self._over:
                return None
            self._change.clear()
            await self._change.wait()
