"""The `akool` command in a process of its own, as a person runs it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import sys

import pytest
import pytest_asyncio
from running_command import Command, sigint_for_children, until


@pytest_asyncio.fixture
async def akool(python):
    """`await akool("avatars", url=…)` starts the command; it is ended with the test."""
    started = []

    async def start(*arguments: str, url: str | None = None, key: str | None = "key", **more: str):
        environment = dict(os.environ) | {"NO_COLOR": "1", "PYTHONUNBUFFERED": "1"} | more
        if url:
            environment["AKOOL_API_URL"] = url
        if key:
            environment["AKOOL_API_KEY"] = key
        process = await python("-m", "akool_async", *arguments, env=environment)
        command = Command(process)
        started.append(command)
        return command

    with sigint_for_children():
        yield start
    for command in started:
        await command.stop()


@pytest.fixture
def run(akool, akool_simulator):
    """`await run("avatars", "list")`: the command's status and the ended command.

    It calls `akool_simulator`, unless its options say otherwise.
    """

    async def run(*arguments: str, **options):
        command = await akool(*arguments, **({"url": akool_simulator.url} | options))
        return await command.ended(), command

    return run


class Terminal:
    """A command in a terminal of its own, which is its controlling one."""

    def __init__(self, process: asyncio.subprocess.Process, screen: int) -> None:
        self.process = process
        self.shown = ""
        self._screen = screen
        os.set_blocking(screen, False)
        asyncio.get_running_loop().add_reader(screen, self._read)

    def _read(self) -> None:
        try:
            self.shown += os.read(self._screen, 65536).decode(errors="replace")
        except OSError:  # EIO: every process has closed it
            self._unwatch()

    def _unwatch(self) -> None:
        asyncio.get_running_loop().remove_reader(self._screen)

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    async def showed(self, text: str) -> None:
        """Waits until `text` is on the screen, or was."""
        with contextlib.suppress(TimeoutError):
            await until(lambda: text in self.shown or self.process.returncode is not None)
        assert text in self.shown, f"{text!r} never came: {self.shown}"

    def close_window(self) -> None:
        """As closing a terminal emulator: SIGHUP, and nothing can be read or written."""
        self._unwatch()
        os.close(self._screen)
        self._screen = -1

    async def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        if self._screen >= 0:
            self.close_window()


@pytest_asyncio.fixture
async def terminal(akool_simulator):
    """`await terminal("chat")` starts the command in a terminal; it is ended with the test."""
    started = []

    async def start(*arguments: str) -> Terminal:
        ours, theirs = pty.openpty()
        try:
            # A session's leader that opens a terminal gets it as its controlling one.
            process = await asyncio.create_subprocess_exec(
                "sh", "-c", 'exec 0<>"$0" 1>&0 2>&0; exec "$@"', os.ttyname(theirs),
                sys.executable, "-m", "akool_async", *arguments,
                start_new_session=True,
                env=dict(os.environ)
                | {"TERM": "xterm", "COLUMNS": "200"}
                | {"AKOOL_API_URL": akool_simulator.url, "AKOOL_API_KEY": "key"},
            )  # fmt: skip
            running = Terminal(process, ours)
            started.append(running)
            await until(lambda: running.shown or process.returncode is not None)
        finally:
            os.close(theirs)
        return running

    yield start
    for one in started:
        await one.stop()
