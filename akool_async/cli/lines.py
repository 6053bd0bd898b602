"""Lines from standard input on the event loop, whatever it is: a terminal, a pipe or a file."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
from typing import Self

from akool_async.errors import ConfigurationError

__all__ = ["Lines"]

#: A line longer than this many characters is cut into several: nobody types that.
LONGEST = 100_000


class Lines:
    """`async for` over the lines, without their ends; use as a context manager.

    Reads what is there when the descriptor says so, with neither a thread, which couldn't be
    stopped while it waits, nor non-blocking mode, which a terminal shares with standard output.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._ended = False
        self._watched = False
        self._readable = asyncio.Event()

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        try:
            loop.add_reader(self._descriptor, self._readable.set)
            self._watched = True
        except PermissionError:
            self._readable.set()  # a regular file: it can't be watched, and is always readable
        except NotImplementedError as error:
            raise ConfigurationError(
                "This event loop can't wait for standard input: on Windows use WSL."
            ) from error
        return self

    def __exit__(self, *exc: object) -> None:
        if self._watched:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            self._watched = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while (line := self._take()) is None:
            if self._ended:
                raise StopAsyncIteration
            await self._readable.wait()
            self._read()
        return line

    def _take(self) -> str | None:
        line, found, rest = self._text.partition("\n")
        if not found and not (self._ended and line) and len(line) < LONGEST:
            return None
        self._text = rest
        return line.rstrip("\r")

    def _read(self) -> None:
        data = os.read(self._descriptor, 65536)
        self._text += self._decoder.decode(data, final=not data)
        if not data:
            self._ended = True
            self.__exit__()
        elif self._watched:
            self._readable.clear()
