"""`akool_async.run`: `asyncio.run` for programs that must close what they have opened.

A container's end sends SIGTERM, a closed terminal SIGHUP. Python ends at once for either, and would
leave a paid session open.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any, Final, TypeVar

from akool_async.concurrency import limit_uncancellable

__all__ = ["SHUTDOWN_TIMEOUT", "run"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds. Kubernetes kills 30 s after SIGTERM, Docker after 10 s unless it is started with more.
SHUTDOWN_TIMEOUT: Final = 25.0

#: SIGHUP doesn't exist on Windows; SIGBREAK does, when a console is closed.
_SIGNALS: Final = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)
_HANG_UP: Final = getattr(signal, "SIGHUP", None)


def run(
    main: Coroutine[Any, Any, T],
    *,
    debug: bool | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    shutdown_timeout: float = SHUTDOWN_TIMEOUT,
) -> T:
    """Runs `main` like `asyncio.run`; SIGTERM, SIGHUP and Ctrl-C end it in order.

    The first of these signals cancels `main`, so that its `async with` blocks and `finally` clauses
    close what they have opened. More signals change nothing until `shutdown_timeout` is over. Then
    closing sessions is given up, with an error in the log for each that may have stayed open; what
    still runs is cancelled again every second; and one more signal ends the process at once.

    The handlers that were set before are set again at the end. SIGHUP stays ignored where it was,
    as `nohup` has it. In another thread than the main one no signal is handled.

    Args:
        main: the program.
        debug: asyncio's debug mode.
        loop_factory: makes the event loop, `uvloop.new_event_loop` for example.
        shutdown_timeout: seconds from the first signal.

    Raises:
        SystemExit: a signal ended `main`; the exit status is 128 and the signal's number, as
            shells count it: 143 for SIGTERM, 129 for SIGHUP.
        KeyboardInterrupt: Ctrl-C ended it (status 130, if it isn't caught).
        RuntimeError: an event loop is running already; `await main` there.
    """
    try:
        running: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is not None:
        main.close()
        raise RuntimeError(
            "an event loop is running already, as in a notebook: write `await main()` in place of "
            "`akool_async.run(main())`"
        )
    ending = _Ending(shutdown_timeout)
    with ending.handled(), asyncio.Runner(debug=debug, loop_factory=loop_factory) as runner:
        ending.loop = runner.get_loop()
        try:
            return runner.run(ending.guarded(main))
        except asyncio.CancelledError:
            if ending.signal is None:
                raise
    if ending.signal is signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + ending.signal)


class _Ending:
    """What a signal does. Signals are heard until the loop is closed: bots that `main` doesn't wait
    for close their sessions while it is.
    """

    def __init__(self, timeout: float) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.signal: signal.Signals | None = None
        self._timeout = timeout
        self._main: asyncio.Task[Any] | None = None
        self._before: dict[signal.Signals, Any] = {}

    async def guarded(self, main: Coroutine[Any, Any, T]) -> T:
        """Runs `main` in the task that a signal cancels."""
        self._main = asyncio.current_task()
        if self.signal is not None:  # before the loop ran
            self._end()
        return await main

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """While it lasts, signals are handled here."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        for number in _SIGNALS:
            if number == _HANG_UP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # `nohup`: it shall outlive its terminal
            self._before[number] = signal.signal(number, self._handle)
        try:
            yield
        finally:
            self._restore()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        first = self.signal is None
        if first:
            self.signal = signal.Signals(number)
        if self.loop is not None and not self.loop.is_closed():
            # It may be asleep: this wakes it.
            self.loop.call_soon_threadsafe(self._end if first else self._again, number)

    def _end(self, number: int = 0) -> None:
        del number
        assert self.loop is not None
        if self._main is not None:
            limit_uncancellable(self._timeout)
            self.loop.call_later(self._timeout, self._give_up)
            self._main.cancel()

    def _again(self, number: int) -> None:
        logger.warning("%s: still closing what is open", signal.Signals(number).name)

    def _give_up(self) -> None:
        assert self.loop is not None
        self._restore()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.call_later(1.0, self._give_up)

    def _restore(self) -> None:
        while self._before:
            number, handler = self._before.popitem()
            # None: it was set by C code, and can't be set again from here.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
