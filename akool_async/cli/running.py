"""Runs a command's coroutine: signals end it in good order, errors become a line and a status."""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from akool_async.cli.terminal import fail, quiet_pipe
from akool_async.errors import AkoolError, ConfigurationError, InvalidParameterError
from akool_async.running import run

__all__ = ["SIGNALS", "Command", "run_command", "signals"]

Command = Callable[[], Coroutine[Any, Any, int]]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals(heard: Callable[[signal.Signals], None], *numbers: signal.Signals) -> Iterator[None]:
    """Calls `heard` on the event loop for these signals, SIGINT and SIGTERM where none are given.

    May be nested; the inner one is told alone.

    `signal.signal` rather than `loop.add_signal_handler`, which Windows doesn't have.
    """
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        loop.call_soon_threadsafe(heard, signal.Signals(number))

    before = {number: signal.signal(number, handle) for number in numbers or SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def run_command(command: Command) -> int:
    """The exit status: the command's own; 130, 143 or 129 when a signal ended it (see
    `akool_async.run`); 1 or 2 for errors.
    """
    try:
        return run(command())
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EIO):
            raise
        quiet_pipe()
        # EIO: the terminal's window was closed, so SIGHUP came, too.
        return 1 if error.errno == errno.EPIPE else 129
    except AkoolError as error:
        fail(explain(error))
        return 2 if isinstance(error, ConfigurationError | InvalidParameterError) else 1


def explain(error: AkoolError) -> str:
    """The error and, where the reason is one level down, its cause's kind."""
    text = str(error)
    hint = getattr(error, "retryable", False)
    return f"{text} (trying again later may help)" if hint else text
