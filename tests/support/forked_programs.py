"""A process without threads that imports what programs need, and forks for each of them.

A program has its own pid, standard streams, environment, signals and terminal. It ends as any
interpreter does, except that it doesn't take its modules to pieces: `atexit`, threads, open files
and what nothing refers to any more have their end, what modules hold has none.

`fork_server.py` starts it, with the descriptor of a socket for requests.
"""

from __future__ import annotations

import atexit
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
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

__all__ = ["PRELOADED"]

#: What the programs of the tests import; nothing that starts threads.
PRELOADED: Final = (
    "aiohttp.web",
    "aiortc",
    "akool_async.cli.app",
    "akool_async.cli.chat",
    "akool_async.cli.demo",
    "akool_async.cli.simulator",
    "akool_async.simulator",
    "akool_async.testing.in_memory_room",
    "akool_async.transport.engines.relay_client",
    "akool_async.watch",
    "akool_agora",
    "akool_chatroom.connection",
    "akool_livekit",
    "akool_trtc",
    "livekit.api",
    "livekit.rtc",
    "numpy",
    "pydantic.type_adapter",
    "rich.markdown",
    "typer.rich_utils",
)


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


class _End:
    """Ends this process at once, with the status that it would have had.

    To take hundreds of modules to pieces, Python writes to all memory that is shared until then:
    that is most of what a short program costs.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        # Functions that are registered later run earlier.
        atexit.register(self._leave)

    def run(self, arguments: Sequence[str]) -> None:
        """Runs the program, and finds out what its status will be."""
        try:
            _run(arguments)
        except SystemExit as exit_:
            if exit_.code is None or isinstance(exit_.code, int):
                self.status = exit_.code or 0
            raise
        except BaseException as error:
            # An interrupted program ends by the signal: Python does that later than this.
            if isinstance(error, Exception):
                self.status = 1
            raise
        self.status = 0

    def _leave(self) -> None:
        if self.status is None:
            return
        gc.collect()
        with contextlib.suppress(Exception):  # Python will say so, and has a status for it
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.status & 0xFF)


def _run(arguments: Sequence[str]) -> None:
    if arguments[0] == "-m":
        sys.argv = list(arguments[1:])
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(arguments)
        sys.path.insert(0, str(Path(arguments[0]).parent))
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    # Programs find what a fresh interpreter would: not this folder.
    sys.path.pop(0)
    _end = _End()
    for _name in PRELOADED:
        importlib.import_module(_name)
    # With its first schema pydantic looks for plugins, in the metadata of all distributions.
    importlib.import_module("pydantic").TypeAdapter(int)
    # Neither the programs nor their ends look through what all of them share.
    gc.collect()
    gc.freeze()
    _request = serve(socket.socket(fileno=int(sys.argv[1])))
    if _request is not None:
        _end.run(_request["argv"])
