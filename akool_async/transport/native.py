"""What a vendor's native part can do to the process, and what is done against it.

- Work that it does can't be taken back: LiveKit's ends the process 15 s after a join that nobody
  took. So such work, once begun, is seen to its end (`finish`).
- Its threads call Python for events and for every line of their log, also shortly after everything
  was closed. Before 3.14, CPython ends a foreign thread that wants to run while the interpreter is
  finalized by unwinding its stack, and native code that can't be unwound (Rust, `noexcept`) aborts
  the process for that: its work was done, and its exit status is -6. One process of eight, with
  eight LiveKit rooms. So the end waits for them (`settle_at_exit`).
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import sys
import threading
import time
from collections.abc import Coroutine
from types import FrameType
from typing import Any, Final, TypeVar

__all__ = ["finish", "settle_at_exit"]

_T = TypeVar("_T")

#: Seconds for which native threads may have the interpreter before each look at them.
_PAUSE: Final = 0.02
#: Looks that must find none of them in Python: one that wasn't there yet may be a moment later.
_LOOKS: Final = 3
#: Seconds after which the process ends whatever they do.
_MOST: Final = 2.0


class _Finished(asyncio.Task[_T]):
    """A task that is always finished: it can't be cancelled, not even by a loop that ends."""

    def cancel(self, msg: Any | None = None) -> bool:
        """Does nothing."""
        del msg
        return False


#: Tasks whose caller went away; the event loop itself holds tasks only weakly.
_unattended: set[asyncio.Task[Any]] = set()


def finish(work: Coroutine[Any, Any, _T], name: str) -> asyncio.Task[_T]:
    """Does the work in a task that is kept until it is done, whether or not anybody waits."""
    task = _Finished(work, loop=asyncio.get_running_loop(), name=name)
    _unattended.add(task)
    task.add_done_callback(_unattended.discard)
    return task


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
    # Ctrl-C now: the program is done already, and is to end at once.
    with contextlib.suppress(KeyboardInterrupt):
        while looks < _LOOKS and time.monotonic() < until:
            time.sleep(_PAUSE)
            looks = 0 if any(map(_is_native, _other_threads())) else looks + 1


def _other_threads() -> list[FrameType]:
    own = threading.get_ident()
    frames = sys._current_frames()  # noqa: SLF001 - documented, for purposes like this one
    return [frame for ident, frame in frames.items() if ident != own]


def _is_native(frame: FrameType) -> bool:
    """Whether a thread wasn't begun by Python: `enumerate` has some of those, too."""
    while frame.f_back is not None:
        frame = frame.f_back
    return frame.f_globals is not vars(threading)
