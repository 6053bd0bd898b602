"""Runs a command's coroutine: signals end it in good order, errors become a line and a status."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from akool_async.cli.terminal import fail, quiet_pipe
from akool_async.errors import AkoolError, ConfigurationError, InvalidParameterError

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
    """The exit status: the command's own; 130 or 143 when a signal ended it; 1 or 2 for errors.

    The first signal cancels the command, which closes what it opened. Later ones only say that
    this is going on: closing has a time limit of its own, and cut short it would leave a paid
    session open.
    """
    ended_by: list[signal.Signals] = []

    async def guarded() -> int:
        task = asyncio.current_task()
        assert task is not None

        def heard(number: signal.Signals) -> None:
            if ended_by:
                fail("closing what is open; this takes a few seconds at most")
                return
            ended_by.append(number)
            task.cancel()

        with signals(heard):
            return await command()

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if not ended_by:
            raise
        return 128 + ended_by[0]
    except KeyboardInterrupt:  # before or after ours were in place
        return 128 + signal.SIGINT
    except BrokenPipeError:
        quiet_pipe()
        return 1
    except AkoolError as error:
        fail(explain(error))
        return 2 if isinstance(error, ConfigurationError | InvalidParameterError) else 1


def explain(error: AkoolError) -> str:
    """The error and, where the reason is one level down, its cause's kind."""
    text = str(error)
    hint = getattr(error, "retryable", False)
    return f"{text} (trying again later may help)" if hint else text
