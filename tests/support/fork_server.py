"""Starts Python programs in processes of their own without importing everything again.

A command of ours spends a second of CPU on imports before it does anything. `ForkServer` starts a
process that imports them once, and forks for each program (`forked_programs.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["ForkServer", "ForkedProcess"]

PROGRAM: Final = str(Path(__file__).with_name("forked_programs.py"))


class ForkedProcess:
    """A running program: what `asyncio.subprocess.Process` has, as far as the tests need it."""

    def __init__(self) -> None:
        self.pid = 0
        self.returncode: int | None = None
        self.stdin: asyncio.StreamWriter
        self.stdout: asyncio.StreamReader
        self.stderr: asyncio.StreamReader
        self._ending: asyncio.Task[int]

    async def _attach(self, stdin: int, stdout: int, stderr: int, status: int) -> None:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(stdin, "wb", 0)
        )
        self.stdin = asyncio.StreamWriter(transport, protocol, None, loop)
        self.stdout = await _reader(stdout)
        self.stderr = await _reader(stderr)
        notices = await _reader(status)
        self.pid = int(await notices.readline())
        self._ending = asyncio.create_task(self._end(notices))

    async def _end(self, notices: asyncio.StreamReader) -> int:
        self.returncode = os.waitstatus_to_exitcode(int(await notices.read()))
        return self.returncode

    async def wait(self) -> int:
        """The exit status, negative for a signal, once it ended."""
        return await asyncio.shield(self._ending)

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


async def _reader(fd: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", 0)
    )
    return reader


class ForkServer:
    """A process that forks programs; `start` it once and `stop` it at the end."""

    def start(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, PROGRAM, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            # Else importing numpy starts threads, which a fork leaves behind.
            env=dict(os.environ) | {"OPENBLAS_NUM_THREADS": "1"},
        )
        theirs.close()

    def stop(self) -> None:
        self._socket.close()
        self._process.wait()

    async def run(
        self,
        *arguments: str,
        env: Mapping[str, str],
        stdout: int | None = None,
        terminal: str | None = None,
    ) -> ForkedProcess:
        """Starts `python arguments…`: a file and its arguments, or `-m`, a module and its own.

        Args:
            env: its whole environment.
            stdout: a descriptor for its output, in place of a pipe to the caller.
            terminal: the path of its controlling terminal, in place of all three pipes.
        """
        pipes = [os.pipe() for _ in range(4)]
        (stdin, to_stdin), (from_stdout, own), (from_stderr, stderr), (notices, status) = pipes
        request = {
            "argv": arguments, "env": dict(env), "cwd": str(Path.cwd()), "terminal": terminal
        }  # fmt: skip
        given = [stdin, own if stdout is None else stdout, stderr, status]
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode() + b"\n"], given)
        finally:
            for fd in (stdin, own, stderr, status):
                os.close(fd)
        process = ForkedProcess()
        await process._attach(to_stdin, from_stdout, from_stderr, notices)
        return process
