import asyncio
import errno
import os
import signal

import pytest

from akool_async import errors
from akool_async.cli.running import run_command, signals


def test_the_commands_own_status():
    async def command():
        return 7

    assert run_command(command) == 7


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_cancels_and_lets_the_command_close(number, status, caplog):
    closed = []

    async def command():
        try:
            os.kill(os.getpid(), number)
            await asyncio.wait_for(asyncio.Event().wait(), 30)
        finally:
            os.kill(os.getpid(), number)  # impatience while closing changes nothing
            await asyncio.sleep(0.01)
            closed.append(True)
        return 0

    before = signal.getsignal(number)
    assert run_command(command) == status
    assert closed == [True]
    assert signal.getsignal(number) is before
    assert "still closing what is open" in caplog.text


@pytest.mark.parametrize(("number", "status"), [(errno.EPIPE, 1), (errno.EIO, 129)])
def test_output_that_goes_nowhere_ends_the_command_without_a_traceback(number, status, monkeypatch):
    monkeypatch.setattr("akool_async.cli.running.quiet_pipe", lambda: None)

    async def command():
        raise OSError(number, os.strerror(number))

    assert run_command(command) == status


def test_a_cancellation_of_its_own_is_no_signal():
    async def command():
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_command(command)


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (errors.ConfigurationError("no key"), 2, "akool: no key"),
        (errors.InvalidParameterError("size", "101 is too much"), 2, "akool: size: 101"),
        (errors.NotFoundError(1216, "gone"), 1, "akool: 1216: gone"),
        (errors.BusyError(1215, "busy"), 1, "trying again later may help"),
    ],
)
def test_errors_become_a_line_and_a_status(error, status, text, capfd):
    async def command():
        raise error

    assert run_command(command) == status
    written = capfd.readouterr().err
    assert text in written
    assert "Traceback" not in written


async def test_a_nested_handler_takes_over_and_gives_back():
    outer, inner = [], []

    async def told(heard):
        os.kill(os.getpid(), signal.SIGINT)
        while not heard:
            await asyncio.sleep(0)

    with signals(outer.append):
        with signals(inner.append, signal.SIGINT):
            await told(inner)
        await told(outer)
    assert inner == outer == [signal.SIGINT]
