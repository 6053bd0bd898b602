"""What a vendor's native part can do to the process, and what is done against it.

- Work that it does can't be taken back: LiveKit's ends the process 15 s after a join whose
  `Room.connect()` was cancelled. So such work, once begun, is awaited to its end (`finish`).
- Its calls block, Agora's for seconds. In the event loop's default pool a dozen of them would
  delay everything else that uses the pool, such as looking up host names. So each runs in a thread
  of its own (`call_in_thread`).
- Its threads call Python for events and for every line of their log, also shortly after everything
  was closed. Before 3.14, CPython ends a foreign thread that enters Python while the interpreter is
  finalized by unwinding its stack, and native code that can't be unwound (Rust, `noexcept`) aborts
  the process for that: its work was done, and its exit status is -6. One process of eight, with
  eight LiveKit rooms. So the end of the process waits for them (`settle_at_exit`).
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, Final, ParamSpec, TypeVar, cast

__all__ = ["call_in_thread", "finish", "settle_at_exit"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

#: Seconds for which native threads may have the interpreter before each look at them.
_PAUSE: Final = 0.02
#: Looks that must find none of them in Python: one that wasn't there yet may be a moment later.
_LOOKS: Final = 3
#: Seconds after which the process ends whatever they do.
_MOST: Final = 2.0


class _Finished(asyncio.Task[_T]):
    """A task that can't be cancelled, not even by a loop that ends."""

    def cancel(self, msg: Any | None = None) -> bool:
        """Does nothing."""
        del msg
        return False


#: Threads of `call_in_thread` that run.
_threads: set[threading.Thread] = set()
#: Tasks whose caller went away; the event loop itself holds tasks only weakly.
_unattended: set[asyncio.Task[Any]] = set()


def finish(work: Coroutine[Any, Any, _T], name: str) -> asyncio.Task[_T]:
    """Does the work in a task that can't be cancelled and is kept until it is done."""
    task = _Finished(work, loop=asyncio.get_running_loop(), name=name)
    _unattended.add(task)
    task.add_done_callback(_unattended.discard)
    return task


def call_in_thread(
    function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
) -> asyncio.Future[_T]:
    """Calls a function that blocks in a thread of its own; the future has what it returns.

    Cancelling the future doesn't stop the function. The end of the process waits for it 2 s at
    most, for a native call may never return.
    """
    settle_at_exit()
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def settle(result: _T | None, error: BaseException | None) -> None:
        if future.done():
            return  # cancelled meanwhile
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(cast("_T", result))

    def run() -> None:
        result: _T | None = None
        error: BaseException | None = None
        try:
            result = function(*args, **kwargs)
        except BaseException as raised:  # noqa: BLE001 - raised where the future is awaited
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop was closed: nothing awaits the future
            loop.call_soon_threadsafe(settle, result, error)
        _threads.discard(threading.current_thread())

    name = getattr(function, "__name__", "call")
    thread = threading.Thread(target=run, name=f"akool {name}", daemon=True)
    _threads.add(thread)
    thread.start()
    return future


@functools.cache
def settle_at_exit() -> None:
    """Has the process end only when no native thread is in a call of Python any more.

    Call it before the vendor's library is first used: what is registered first with `atexit` runs
    last, and so after the library's own ending. The end takes 0.06 s longer, and 2 s at most.
    """
    atexit.register(_settle)


def _settle() -> None:
    until = time.monotonic() + _MOST
    looks = 0
    # At a Ctrl-C now the process ends at once: the program is done already.
    with contextlib.suppress(KeyboardInterrupt):
        while looks < _LOOKS and time.monotonic() < until:
            time.sleep(_PAUSE)
            busy = bool(_threads) or any(map(_is_native, _other_threads()))
            looks = 0 if busy else looks + 1


def _other_threads() -> list[FrameType]:
    own = threading.get_ident()
    frames = sys._current_frames()  # noqa: SLF001 - documented, for purposes like this one
    return [frame for ident, frame in frames.items() if ident != own]


def _is_native(frame: FrameType) -> bool:
    """Whether a thread wasn't started by Python; `threading.enumerate` has some of those, too."""
    while frame.f_back is not None:
        frame = frame.f_back
    return frame.f_globals is not vars(threading)
