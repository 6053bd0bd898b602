"""The `akool` command in a process of its own, as a person runs it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import termios

import pytest
import pytest_asyncio
from drawn_terminal import ROWS, DrawnTerminal
from fork_server import ForkedProcess
from running_command import TIMEOUT, Command, sigint_for_children, until


@pytest_asyncio.fixture
async def akool(python):
    """`await akool("avatars", url=…)` starts the command; it is ended with the test."""
    started = []

    async def start(
        *arguments: str,
        url: str | None = None,
        key: str | None = "key",
        stdout: int | None = None,
        encoding: str = "utf-8",
        **more: str,
    ):
        environment = dict(os.environ) | {"NO_COLOR": "1", "PYTHONUNBUFFERED": "1"} | more
        if url:
            environment["AKOOL_API_URL"] = url
        if key:
            environment["AKOOL_API_KEY"] = key
        process = await python("-m", "akool_async", *arguments, env=environment, stdout=stdout)
        command = Command(process, encoding)
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


#: Of a terminal: no table is folded.
COLUMNS = 200


class Terminal:
    """A command in a terminal of its own, which is its controlling one."""

    def __init__(self, process: ForkedProcess, screen: int) -> None:
        self.process = process
        self._descriptor = screen
        self._drawn = DrawnTerminal(self.type, columns=COLUMNS)
        os.set_blocking(screen, False)
        asyncio.get_running_loop().add_reader(screen, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # EIO: every process has closed it
            self._unwatch()
            return
        self._drawn.feed(data)

    def _unwatch(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)

    def type(self, text: str) -> None:
        """What keys or a paste send."""
        os.write(self._descriptor, text.encode())

    @property
    def lines(self) -> list[str]:
        """See `DrawnTerminal.lines`."""
        return self._drawn.lines

    @property
    def shown(self) -> str:
        """Every byte that it was sent."""
        return self._drawn.written

    @property
    def cooked(self) -> bool:
        """Whether the terminal edits lines and shows them by itself, as a shell expects."""
        modes = termios.tcgetattr(self._descriptor)[3]
        return bool(modes & termios.ICANON and modes & termios.ECHO)

    async def showed(self, text: str) -> None:
        """Waits until `text` is in a line of the screen, or scrolled out of it."""

        def there() -> bool:
            return any(text in line for line in self.lines)

        with contextlib.suppress(TimeoutError):
            await until(lambda: there() or self.process.returncode is not None)
        screen = "\n".join(self.lines)
        assert there(), f"{text!r} never came:\n{screen}"

    async def ended(self) -> int:
        """The exit status."""
        return await asyncio.wait_for(self.process.wait(), TIMEOUT)

    def close_window(self) -> None:
        """As closing a terminal emulator: SIGHUP, and nothing can be read or written."""
        self._unwatch()
        os.close(self._descriptor)
        self._descriptor = -1

    async def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        if self._descriptor >= 0:
            self.close_window()


@pytest_asyncio.fixture
async def terminal(akool_simulator, fork_server):
    """`await terminal("chat")` starts the command in a terminal; it is ended with the test."""
    started = []

    async def start(*arguments: str) -> Terminal:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (ROWS, COLUMNS))
        try:
            process = await fork_server.run(
                *("-m", "akool_async", *arguments),
                terminal=os.ttyname(theirs),
                env=dict(os.environ)
                | {"TERM": "xterm", "COLUMNS": str(COLUMNS)}
                | {"AKOOL_API_URL": akool_simulator.url, "AKOOL_API_KEY": "key"},
            )
            running = Terminal(process, ours)
            started.append(running)
            await until(lambda: running.shown or process.returncode is not None)
        finally:
            os.close(theirs)
        return running

    yield start
    for one in started:
        await one.stop()
