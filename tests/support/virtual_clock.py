"""An event loop on which waiting for a timer takes no time.

When nothing is ready to run and the next timer is due in ten seconds, the clock is set ten seconds
ahead. An iteration of the loop takes ten microseconds, whatever its callbacks do. So a limit of a
tenth of a second is safe on the busiest machine, and the order of events is the same in every run.

The clock runs at its real pace while something outside the loop may wake it: a pipe, a socket whose
other end isn't watched by this loop, data on its way between two sockets, a call in an executor, a
thread that was started since the loop was made. A child process is watched by one of these. The
threads of native code (the LiveKit client's) aren't seen: what uses them needs a real clock.
"""

from __future__ import annotations

import asyncio
import fcntl
import selectors
import socket
import termios
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["DeadlockError", "VirtualClockLoop"]

#: What a new loop's clock shows, in seconds.
START: Final = 1000.0

#: Seconds that looking at the clock takes.
TICK: Final = 1e-9

#: Seconds that one iteration of the loop takes, so that a loop over `sleep(0)` reaches its limit.
ITERATION: Final = 1e-5

#: Seconds for which the loop waits at the clock's real pace before it looks again.
SLICE: Final = 0.002

#: In place of a connection's addresses.
LISTENING: Final = "listening"

#: Seconds on the clock after which what is waited for is taken not to come, though timers go on.
LONGEST: Final = 86_400.0


class DeadlockError(RuntimeError):
    """What the loop waits for doesn't come: nothing can wake it, or a day has passed."""


class _Selector(selectors.BaseSelector):
    """The real selector, asked in such a way that no time is spent on waiting for timers."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self._before = set(threading.enumerate())
        self._self_pipe: int | None = None
        self._connections: dict[int, Any] = {}
        self.now = START
        self.in_executor = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; lets time pass until something is, or `timeout` seconds are over."""
        self.now += ITERATION
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._may_be_woken():
            # Not for long: a thread may end, and data arrive, without waking the loop.
            start = time.monotonic()
            ready = self._real.select(SLICE if timeout is None else min(timeout, SLICE))
            self.now += time.monotonic() - start
            return ready
        # A thread may have woken the loop and ended since the first look.
        ready = self._real.select(0)
        if ready:
            return ready
        if timeout is None:
            raise DeadlockError("nothing is left that could wake this loop: no timer, no socket")
        self.now += timeout
        if self.now - START > LONGEST:
            raise DeadlockError("a day of this loop's time has passed")
        return ready

    def _may_be_woken(self) -> bool:
        return (
            self.in_executor > 0
            or any(not _idle(one) for one in set(threading.enumerate()) - self._before)
            or not self._watches_only_itself()
        )

    def _watches_only_itself(self) -> bool:
        """Whether both ends of every connection are watched here, and nothing is between them."""
        ends: set[Any] = set()
        peers: set[Any] = set()
        connected: list[int] = []
        for key in self._real.get_map().values():
            if key.fd == self._self_pipe:
                continue
            connection = self._connection(key.fd)
            if connection is None:
                return False
            if connection is not LISTENING:
                ends.add(connection[0])
                peers.add(connection[1])
                connected.append(key.fd)
        if not peers <= ends:
            return False
        if any(map(_on_its_way, connected)):
            for fd in connected:
                _acknowledge(fd)
            return not any(map(_on_its_way, connected))
        return True

    def _connection(self, fd: int) -> Any:
        """The addresses of a TCP connection's ends, `LISTENING`, or `None` for anything else."""
        if fd not in self._connections:
            found = _addresses(fd)
            if found is None:
                return None  # it may become one
            self._connections[fd] = found
        return self._connections[fd]

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._real.register(fileobj, events, data)
        if self._self_pipe is None:
            # A new loop watches its end of the pipe for `call_soon_threadsafe` first.
            self._self_pipe = key.fd
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = self._real.unregister(fileobj)
        self._connections.pop(key.fd, None)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


def _addresses(fd: int) -> Any:
    try:
        one = socket.socket(fileno=fd)
    except OSError:  # a pipe's, or of the end of a process
        return None
    try:
        if one.family not in (socket.AF_INET, socket.AF_INET6) or one.type != socket.SOCK_STREAM:
            return None
        if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return LISTENING
        return one.getsockname(), one.getpeername()
    except OSError:  # it isn't connected yet, or not any more
        return None
    finally:
        one.detach()


def _acknowledge(fd: int) -> None:
    """Has what was received acknowledged now, not some milliseconds later."""
    one = socket.socket(fileno=fd)
    try:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    finally:
        one.detach()


def _on_its_way(fd: int) -> bool:
    """Whether the other end hasn't acknowledged all that was sent."""
    try:
        unsent = fcntl.ioctl(fd, termios.TIOCOUTQ, b"\0\0\0\0")
    except OSError:
        return True
    return unsent != b"\0\0\0\0"


def _idle(thread: threading.Thread) -> bool:
    """Whether it is an executor's, whose calls are counted apart."""
    return thread.name.startswith("asyncio_")


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer when there is nothing else to do."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds on this loop's clock; never the same twice: equal delays keep their order.

        asyncio runs timers that are due at the same instant in any order.
        """
        self._virtual.now += TICK
        return self._virtual.now

    def hold_up(self, seconds: float) -> None:
        """As a callback does that blocks for so long: the clock goes on, and nothing runs."""
        self._virtual.now += seconds

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        """As the base class's; time passes at its real pace until the call is over."""
        future = super().run_in_executor(executor, func, *args)
        self._virtual.in_executor += 1
        future.add_done_callback(self._executed)
        return future

    def _executed(self, _: asyncio.Future[Any]) -> None:
        self._virtual.in_executor -= 1
