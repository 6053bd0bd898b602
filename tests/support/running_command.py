"""A program in a process of its own: what it writes, its input, signals to it, its end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import signal
from collections.abc import Iterator
from typing import Any

from fork_server import ForkedProcess

from akool_async.testing import waiting

#: Seconds for anything to happen, on a busy machine.
TIMEOUT = 120.0

until = functools.partial(waiting.until, timeout=TIMEOUT)


class Command:
    """One running command. What it writes is read as it comes."""

    def __init__(
        self, process: asyncio.subprocess.Process | ForkedProcess, encoding: str = "utf-8"
    ) -> None:
        self.process = process
        self.encoding = encoding
        self.output = ""
        self.errors = ""
        self._readers = [
            asyncio.create_task(self._read("output", process.stdout)),
            asyncio.create_task(self._read("errors", process.stderr)),
        ]

    async def _read(self, name: str, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        while data := await stream.read(65536):
            setattr(self, name, getattr(self, name) + data.decode(self.encoding))

    def type(self, text: str) -> None:
        """Writes to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode(self.encoding))

    def end_input(self) -> None:
        """Closes its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    @property
    def ended_already(self) -> bool:
        """Whether it is over."""
        return self.process.returncode is not None

    async def printed(self, text: str) -> None:
        """Waits until it has written `text`."""
        with contextlib.suppress(TimeoutError):
            await until(lambda: text in self.output or self.ended_already)
        assert text in self.output, f"{text!r} never came: {self.output}\n{self.errors}"

    async def ended(self) -> int:
        """Its exit status, once it ended and everything it wrote was read."""
        async with asyncio.timeout(TIMEOUT):
            await asyncio.gather(*self._readers)
            status = await self.process.wait()
        assert "Traceback" not in self.errors, self.errors
        return status

    @property
    def items(self) -> list[dict[str, Any]]:
        """The records of its JSON."""
        whole = json.loads(self.output)
        assert list(whole) == ["items", "count", "next_page"]
        items: list[dict[str, Any]] = whole["items"]
        return items

    @property
    def error(self) -> dict[str, Any]:
        """What it wrote to standard error as JSON, and nothing else."""
        (line,) = self.errors.splitlines()
        error: dict[str, Any] = json.loads(line)["error"]
        return error

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        self.end_input()
        await asyncio.gather(*self._readers)
        await self.process.wait()


@contextlib.contextmanager
def sigint_for_children() -> Iterator[None]:
    """Lets processes started here hear SIGINT, also where ours was started with it ignored.

    A shell ignores it for what runs in the background, and children inherit that.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
