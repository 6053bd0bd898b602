"""`akool_async.run`: a signal ends the program in order (whole programs: test_program_end)."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from akool_async import run
from akool_async.running import SHUTDOWN_TIMEOUT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals to itself")


def kill(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def handlers() -> dict[signal.Signals, Any]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return {number: signal.getsignal(number) for number in numbers}


def test_it_returns_what_main_returns() -> None:
    async def main() -> int:
        return 7

    before = handlers()
    assert run(main()) == 7
    assert handlers() == before
    assert SHUTDOWN_TIMEOUT < 30  # what a container has before it is killed


@pytest.mark.parametrize(
    ("number", "raised", "status"),
    [
        (signal.SIGTERM, SystemExit, 143),
        (signal.SIGHUP, SystemExit, 129),
        (signal.SIGINT, KeyboardInterrupt, None),
    ],
)
def test_a_signal_cancels_main_and_lets_it_close(
    number: signal.Signals, raised: type[BaseException], status: int | None
) -> None:
    closed: list[str] = []

    async def main() -> None:
        try:
            kill(number)
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)  # closing takes time
            closed.append("session")

    before = handlers()
    with pytest.raises(raised) as caught:
        run(main())
    assert closed == ["session"]
    assert handlers() == before
    assert getattr(caught.value, "code", None) == status


def test_more_signals_change_nothing(caplog: pytest.LogCaptureFixture) -> None:
    closed: list[str] = []

    async def main() -> None:
        heard = asyncio.Event()
        loop = asyncio.get_running_loop()
        try:
            kill(signal.SIGTERM)
            await asyncio.sleep(60)
        finally:
            kill(signal.SIGINT)
            loop.call_later(0.05, heard.set)
            await heard.wait()
            closed.append("session")

    with caplog.at_level(logging.WARNING), pytest.raises(SystemExit) as caught:
        run(main())
    assert (closed, caught.value.code) == (["session"], 143)
    assert "SIGINT: still closing what is open" in caplog.text


def test_after_the_time_limit_what_runs_is_cancelled_again() -> None:
    cancelled: list[str] = []

    async def main() -> None:
        kill(signal.SIGTERM)
        for _ in range(2):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append("main")
        raise asyncio.CancelledError

    with pytest.raises(SystemExit):
        run(main(), shutdown_timeout=0.05)
    assert cancelled == ["main", "main"]


def test_a_cancellation_of_its_own_is_no_signal() -> None:
    async def main() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run(main())


def test_an_ignored_hang_up_stays_ignored() -> None:
    async def main() -> Any:
        kill(signal.SIGHUP)
        await asyncio.sleep(0)
        return signal.getsignal(signal.SIGHUP)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run(main()) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_another_thread_no_signal_is_handled() -> None:
    seen: list[dict[signal.Signals, Any]] = []

    async def main() -> None:
        seen.append(handlers())

    before = handlers()
    thread = threading.Thread(target=lambda: run(main()))
    thread.start()
    thread.join(10)
    assert seen == [before]


def test_in_a_running_loop_it_is_refused() -> None:
    async def inner() -> None:
        raise AssertionError("ran")

    async def main() -> None:
        coroutine = inner()
        try:
            run(coroutine)
        finally:
            coroutine.close()

    with pytest.raises(RuntimeError, match="running already, as in a notebook: write `await main"):
        asyncio.run(main())


def test_the_loop_is_made_as_asked_for() -> None:
    made: list[asyncio.AbstractEventLoop] = []

    def factory() -> asyncio.AbstractEventLoop:
        made.append(asyncio.new_event_loop())
        return made[0]

    async def main() -> tuple[asyncio.AbstractEventLoop, bool]:
        loop = asyncio.get_running_loop()
        return loop, loop.get_debug()

    make: Callable[[], asyncio.AbstractEventLoop] = factory
    loop, debug = run(main(), debug=True, loop_factory=make)
    assert (loop, debug) == (made[0], True)
