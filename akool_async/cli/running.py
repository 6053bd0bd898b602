"""Runs a command's coroutine: signals end it in order, errors become a line and a status."""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from akool_async import running
from akool_async.cli.failures import FAILED, report
from akool_async.cli.terminal import OutputError, discard_output, empty_buffers, flush_output
from akool_async.errors import AkoolError

__all__ = ["INTERRUPTED", "Command", "run_command", "signals"]

Command = Callable[[], Coroutine[Any, Any, int]]

#: The exit status of a program that Ctrl-C ended.
INTERRUPTED = 128 + signal.SIGINT
#: Of one that SIGHUP ended, which Windows doesn't have.
_HUNG_UP = 129


@contextmanager
def signals(received: Callable[[signal.Signals], None], *numbers: signal.Signals) -> Iterator[None]:
    """Calls `received` on the event loop for these signals, in place of the handlers before.

    `signal.signal` rather than `loop.add_signal_handler`, which Windows doesn't have.
    """
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        loop.call_soon_threadsafe(received, signal.Signals(number))

    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def run_command(command: Command, *, as_json: bool = False) -> int:
    """The exit status: the command's own, 128 and a signal's number, or an error's.

    The first SIGINT, SIGTERM or SIGHUP (the terminal's window was closed) cancels the command,
    which closes what it opened; see `akool_async.run`. Errors are written to standard error, as
    JSON where `as_json` says so.
    """
    try:
        return _status(command, as_json=as_json)
    finally:
        empty_buffers()


def _status(command: Command, *, as_json: bool) -> int:
    try:
        status = running.run(command())
        flush_output()
    except SystemExit as ended:  # by a signal
        return ended.code if isinstance(ended.code, int) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        discard_output()
        return FAILED
    except OutputError as error:
        discard_output()
        if error.errno == errno.EIO:
            return _HUNG_UP  # the terminal is gone; its signal comes, too
        return report(error, as_json=as_json)
    except (AkoolError, OSError) as error:
        return report(error, as_json=as_json)
    return status
