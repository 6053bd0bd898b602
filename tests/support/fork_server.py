"""Starts Python programs in processes of their own without importing everything again.

A command of ours spends a second of CPU on imports before it does anything. `ForkServer` imports
them once, in a process without threads, which forks for each program. A program has its own pid,
standard streams, environment, signals and terminal, and ends as any interpreter does.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

__all__ = ["ForkServer", "ForkedProcess"]

#: What the programs of the tests import; nothing that starts threads.
PRELOADED: Final = (
    "aiohttp.web",
    "aiortc",
    "akool_async.cli.app",
    "akool_async.cli.chat",
    "akool_async.cli.demo",
    "akool_async.cli.simulator",
    "akool_async.simulator",
    "akool_agora",
    "akool_chatroom",
    "akool_livekit",
    "akool_trtc",
    "livekit.api",
    "livekit.rtc",
    "numpy",
    "pydantic.type_adapter",
)


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
            [sys.executable, __file__, str(theirs.fileno())],
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


def serve(requests: socket.socket) -> dict[str, Any] | None:
    """Forks until the other end closes: `None`. Returns in each child, with its request."""
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    statuses: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([requests, woken], [], [])
        if woken in ready:
            woken.recv(4096)
            _reap(statuses)
        if requests not in ready:
            continue
        data, fds, _, _ = socket.recv_fds(requests, 1 << 20, 4)
        while data and not data.endswith(b"\n"):
            data += requests.recv(1 << 20)
        if not data:
            return None
        *standard, status = fds
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for one in (requests, woken, wake):
                one.close()
            for fd in [status, *statuses.values()]:
                os.close(fd)
            request: dict[str, Any] = json.loads(data)
            _become(request, standard)
            return request
        statuses[pid] = status
        os.write(status, b"%d\n" % pid)
        for fd in standard:
            os.close(fd)


def _reap(statuses: dict[int, int]) -> None:
    while statuses:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        fd = statuses.pop(pid)
        with contextlib.suppress(BrokenPipeError):
            os.write(fd, b"%d" % status)
        os.close(fd)


def _become(request: Mapping[str, Any], standard: Sequence[int]) -> None:
    """Takes over the streams, the environment and the folder of a program."""
    for number, fd in enumerate(standard):
        os.dup2(fd, number)
        os.close(fd)
    if (terminal := request["terminal"]) is not None:
        # A session's leader that opens a terminal gets it as its controlling one.
        os.setsid()
        opened = os.open(terminal, os.O_RDWR)
        for number in range(3):
            os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    _open_standard_streams(buffered=not os.environ.get("PYTHONUNBUFFERED"))


def _open_standard_streams(*, buffered: bool) -> None:
    """As an interpreter does when it starts; PYTHONIOENCODING may name the encoding."""
    encoding = os.environ.get("PYTHONIOENCODING") or "utf-8"
    read = io.BufferedReader(io.FileIO(0, "r", closefd=False))
    sys.stdin = io.TextIOWrapper(read, encoding)
    for number, name, errors in ((1, "stdout", "strict"), (2, "stderr", "backslashreplace")):
        raw: Any = io.FileIO(number, "w", closefd=False)
        by_line = name == "stderr" or os.isatty(number)
        setattr(
            sys,
            name,
            io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=by_line)
            if buffered
            else io.TextIOWrapper(raw, encoding, errors, write_through=True),
        )
    for name in ("stdin", "stdout", "stderr"):
        setattr(sys, f"__{name}__", getattr(sys, name))


if __name__ == "__main__":
    # Programs find what a fresh interpreter would: not this folder.
    sys.path.pop(0)
    for _name in PRELOADED:
        importlib.import_module(_name)
    # Neither the programs nor their ends look through what all of them share.
    gc.collect()
    gc.freeze()
    _request = serve(socket.socket(fileno=int(sys.argv[1])))
    if _request is not None:
        _arguments = _request["argv"]
        if _arguments[0] == "-m":
            sys.argv = _arguments[1:]
            runpy.run_module(_arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = _arguments
            sys.path.insert(0, str(Path(_arguments[0]).parent))
            runpy.run_path(_arguments[0], run_name="__main__")
