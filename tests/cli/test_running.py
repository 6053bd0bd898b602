import asyncio
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from akool_async import errors
from akool_async.cli.running import run_command, signals
from akool_async.cli.terminal import OutputError


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
    assert f"{signal.Signals(number).name}: still closing" in caplog.text


def test_a_signal_s_status_stays_where_the_output_can_not_be_written():
    """A closed window: the signal comes while something is buffered that goes nowhere now."""
    program = """
import asyncio, os, signal, sys
from akool_async.cli.running import run_command

async def command():
    sys.stdout.write("a prompt")
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.sleep(60)

sys.exit(run_command(command))
"""
    command = [sys.executable, "-c", program]
    buffered = os.environ | {"PYTHONUNBUFFERED": ""}
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(command, stdout=full, env=buffered, timeout=60, check=False)
    assert ended.returncode == 129


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
        (errors.NotFoundError(1216, "gone"), 4, "akool: 1216: gone"),
        (errors.BusyError(1215, "busy"), 6, "trying again later may help"),
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

    async def received(heard):
        os.kill(os.getpid(), signal.SIGINT)
        while not heard:
            await asyncio.sleep(0)

    with signals(outer.append, signal.SIGINT):
        with signals(inner.append, signal.SIGINT):
            await received(inner)
        await received(outer)
    assert inner == outer == [signal.SIGINT]


def test_a_full_disk_is_a_line_and_a_status(monkeypatch, capfd):
    # It would discard what pytest captures, too.
    monkeypatch.setattr("akool_async.cli.running.discard_output", lambda: None)

    async def command():
        raise OutputError(errno.ENOSPC, "can't write to standard output: No space left on device")

    assert run_command(command) == 1
    written = capfd.readouterr().err
    assert "akool: can't write to standard output: No space left on device" in written
    assert "Traceback" not in written


def test_under_nohup_a_closed_terminal_changes_nothing():
    async def command():
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
        return 0

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run_command(command) == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BrokenPipeError(errno.EPIPE, "the reader is gone"), 1),
        (OutputError(errno.EIO, "the terminal's window was closed"), 129),
    ],
)
def test_output_that_goes_nowhere_ends_the_command_quietly(error, status, monkeypatch, capfd):
    monkeypatch.setattr("akool_async.cli.running.discard_output", lambda: None)

    async def command():
        raise error

    assert run_command(command) == status
    assert capfd.readouterr().err == ""
