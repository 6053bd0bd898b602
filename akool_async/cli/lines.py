"""Lines from standard input on the event loop, whatever it is: a terminal, a pipe or a file."""

from __future__ import annotations

import asyncio
import codecs
import errno
import os
import re
import sys
from typing import Final, Self

from akool_async.errors import ConfigurationError

__all__ = ["Lines", "typed"]

#: A line longer than this many characters is cut into several: more than a person types.
LONGEST = 100_000

#: What a terminal sends for keys that its line discipline doesn't handle: arrow keys, Home, F5,
#: the marks around pasted text; and single control characters. Tabs are text.
_KEYS: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: arrow keys, with or without Ctrl, Delete, pasting
    r"|\x1bO."  # SS3: arrow keys in application mode, F1 to F4
    r"|\x1b\].*?(?:\x07|\x1b\\)"  # OSC: answers about titles and colours
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f]"
)


def typed(line: str) -> str:
    """The text of a line, without the bytes of keys such as the arrow keys.

    Spaces and invisible characters that belong to a text are kept: no-break spaces, the
    ideographic space, joiners in Persian words and emoji.
    """
    return _KEYS.sub("", line)


class Lines:
    """`async for` over the lines, without their ends; use as a context manager.

    Reads when the descriptor is ready and a line is wanted, with neither a thread, which couldn't
    be stopped while it waits, nor non-blocking mode, which a terminal shares with standard output.
    """

    def __init__(self, descriptor: int | None = None, *, encoding: str | None = None) -> None:
        """Connects to nothing yet.

        Args:
            descriptor: an open file; standard input by default.
            encoding: of its text; standard input's by default. Bytes that don't fit it become
                U+FFFD.

        Raises:
            ConfigurationError: standard input is closed.
        """
        if descriptor is None:
            if sys.stdin is None:
                raise ConfigurationError(
                    "Nothing can be read, because standard input is closed (<&-). Leave it open, "
                    "or redirect it from a file."
                )
            encoding = encoding or sys.stdin.encoding
        self._descriptor: int = sys.stdin.fileno() if descriptor is None else descriptor
        self._decoder = codecs.getincrementaldecoder(encoding or "utf-8")("replace")
        self._text = ""
        self._began = False
        self._ended = False
        self._came = asyncio.Event()

    def __enter__(self) -> Self:
        """Finds out whether it can be waited for.

        Raises:
            ConfigurationError: not in this event loop.
        """
        loop = asyncio.get_running_loop()
        try:
            loop.add_reader(self._descriptor, lambda: None)
        except PermissionError:
            return self  # a regular file can't be watched: it is always ready
        except NotImplementedError as error:
            raise ConfigurationError(
                "This event loop can't wait for standard input. On Windows use WSL."
            ) from error
        loop.remove_reader(self._descriptor)
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
            self._read()

    def _ready(self) -> None:
        # Exactly one read for each readiness: a second one could block the whole loop.
        asyncio.get_running_loop().remove_reader(self._descriptor)
        self._read()

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""  # the terminal's window was closed
        text = self._decoder.decode(data, final=not data)
        if text and not self._began:
            self._began = True
            text = text.removeprefix("\ufeff")
        self._text += text
        self._ended = not data
        self._came.set()
