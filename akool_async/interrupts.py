"""Ctrl-C while work runs that must not be cut off.

Python raises `KeyboardInterrupt` in the middle of whatever runs: in the request that creates a paid
session, whose id is lost then, or in the loop that `asyncio.run` runs at its end to wait for what
closes one.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import signal
import sys
import threading
from types import FrameType
from typing import Any, Final

__all__ = ["INTERRUPTS", "Interrupts"]

logger = logging.getLogger(__name__)

#: What `signal` itself calls. Its own functions try to make an enumeration's member of each handler
#: and put a function's repr, that of asyncio's main task here, into an error's text: 0.1 ms a call.
_SIGNAL: Final[Any] = sys.modules.get("_signal", signal)


class Interrupts:
    """Holds `KeyboardInterrupt` back while there is such work in the main thread.

    Meanwhile Ctrl-C calls the handler that was set before (asyncio's cancels the main task) from a
    callback of the event loop. Where that raises `KeyboardInterrupt`, it is raised when the work is
    over. Ctrl-C once more is raised at once.
    """

    def __init__(self) -> None:
        self._works = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._before: Any = None
        self._held = False

    def enter(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Such work begins; whether `leave` has to be called when it is over."""
        if threading.current_thread() is not threading.main_thread():
            return False
        self._works += 1
        before = _SIGNAL.getsignal(signal.SIGINT)
        if callable(before) and before != self._interrupted:
            self._loop, self._before = loop, before
            _SIGNAL.signal(signal.SIGINT, self._interrupted)
        return True

    def leave(self) -> None:
        """It is over."""
        self._works -= 1
        if self._works:
            return
        loop, held, self._held = self._loop, self._held, False
        self._restore()
        if held and loop is not None:
            loop.call_soon(_interrupt)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        loop = self._loop
        if loop is None or loop.is_closed():  # the work will never be over
            self._works = 0
            self._restore()
            _interrupt()
        elif self._held:
            _interrupt()
        else:
            loop.call_soon_threadsafe(self._pass_on)

    def _pass_on(self) -> None:
        try:
            self._before(signal.SIGINT, None)
        except KeyboardInterrupt:
            if not self._works:
                raise
            self._held = True
            logger.warning("closing open sessions first; Ctrl-C again may leave them open")

    def _restore(self) -> None:
        before, self._before, self._loop = self._before, None, None
        if before is None or _SIGNAL.getsignal(signal.SIGINT) != self._interrupted:
            return
        if isinstance(before, functools.partial):
            # asyncio.Runner's own handler. It would have been taken back when its main task ended.
            main = before.keywords.get("main_task")
            if isinstance(main, asyncio.Task) and main.done():
                before = signal.default_int_handler
        _SIGNAL.signal(signal.SIGINT, before)


def _interrupt() -> None:
    raise KeyboardInterrupt


#: Signal handlers are the process's, so there is one.
INTERRUPTS = Interrupts()
