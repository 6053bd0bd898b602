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

    Reads when the descriptor is ready and a line is wanted, with neither a thread, which couldn't
    be stopped while it waits, nor non-blocking mode, which a terminal shares with standard output.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._ended = False
        self._came = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if not self._ended:
            asyncio.get_running_loop().remove_reader(self._descriptor)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while (line := self._take()) is None:
            if self._ended:
                raise StopAsyncIteration
            self._came.clear()
            self._read_when_ready()
            await self._came.wait()
        return line

    def _take(self) -> str | None:
        line, found, rest = self._text.partition("\n")
        if not found and not (self._ended and line) and len(line) < LONGEST:
            return None
        self._text = rest
        return line.rstrip("\r")

    def _read_when_ready(self) -> None:
        try:
            asyncio.get_running_loop().add_reader(self._descriptor, self._ready)
        except PermissionError:
            self._read()  # a regular file can't be watched: it is always ready
        except NotImplementedError as error:
            raise ConfigurationError(
                "This event loop can't wait for standard input: on Windows use WSL."
            ) from error

    def _ready(self) -> None:
        # Exactly one read for each readiness: a second one could block the whole loop.
        asyncio.get_running_loop().remove_reader(self._descriptor)
        self._read()

    def _read(self) -> None:
        data = os.read(self._descriptor, 65536)
        self._text += self._decoder.decode(data, final=not data)
        self._ended = not data
        self._came.set()
