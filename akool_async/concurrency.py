"""Work that must not be cut off, and pauses between tries.

An open session costs money, so what closes one, or waits to learn its id, has to end even when the
program is ending. `Uncancellable` runs such work to its end, within a time limit:

- The work runs in a task that `asyncio.all_tasks()` doesn't list, so nothing that cancels "all
  tasks" reaches it: neither the end of `asyncio.run` nor a program's own shutdown code.
- A second task, which is listed, waits for it and can't be cancelled. `asyncio.run` waits for
  every task that it cancelled before it closes the loop, so it waits for the work, too.
- Meanwhile Ctrl-C raises no `KeyboardInterrupt` (see `akool_async.interrupts`).
- A caller that is cancelled while it waits goes on waiting, and raises `CancelledError` at the end.

The loop must go on running: work in a loop that is stopped and never run again can't end.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random as random_module
import sys
import weakref
from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from akool_async.interrupts import INTERRUPTS

__all__ = [
    "EXITS",
    "Backoff",
    "Flag",
    "Tasks",
    "Uncancellable",
    "Waiter",
    "check_loop",
    "limit_uncancellable",
    "own_cancellation",
    "run_to_completion",
    "running_user_code",
    "unlist",
    "unlisted_task",
    "user_task",
]

T = TypeVar("T")

#: What ends more than the user's code that raises it.
EXITS: Final = (SystemExit, KeyboardInterrupt, GeneratorExit)


async def run_to_completion(work: Coroutine[Any, Any, T], *, timeout: float | None, name: str) -> T:
    """Runs `work` to its end, whoever is cancelled meanwhile.

    Args:
        work: what to run.
        timeout: seconds after which `work` itself is cancelled; `None`: it has a limit of its own.
        name: of the task, and of the work in an error's text.

    Raises:
        TimeoutError: it wasn't over in time.
        CancelledError: the caller was cancelled meanwhile; raised once `work` is over. Where `work`
            failed, a note says so.
        BaseException: what `work` raised, `SystemExit` and `KeyboardInterrupt` included.
    """
    return await Uncancellable(work, timeout=timeout, name=name).wait()


class Uncancellable(Generic[T]):
    """Work that goes on until it is over or out of time. It starts at once.

    Whoever starts it owns it: `wait` for it, or read `error` once it is `done`.

    Args:
        work: what to run.
        timeout: seconds after which it is cancelled; `None`: it has a limit of its own.
        name: of its task, and of the work in an error's text.
    """

    def __init__(self, work: Coroutine[Any, Any, T], *, timeout: float | None, name: str) -> None:
        loop = asyncio.get_running_loop()
        self.name = name
        self.error: BaseException | None = None
        self._value: T
        self._timed_out = False
        self._ends_at = math.inf
        self._interrupts = INTERRUPTS.enter(loop)
        self._task = unlisted_task(self._run(work), name=name)
        self._timer: asyncio.TimerHandle | None = None
        self._task.add_done_callback(self._ended)
        self._over = loop.create_future()
        self._listed = _Listed(self._stay(), loop=loop, name=f"{name} (waits for it)")
        _running.setdefault(loop, set()).add(self)
        self.end_by(min(_limits.get(loop, math.inf), loop.time() + (timeout or math.inf)))

    def done(self) -> bool:
        """Whether it is over."""
        return self._task.done()

    def add_done_callback(self, function: Callable[[Uncancellable[T]], object]) -> None:
        """Calls `function` with this, on the event loop, once it is over."""
        self._task.add_done_callback(lambda _: function(self))

    def end_by(self, when: float) -> None:
        """Shortens the time limit to `when`, in seconds of the loop's clock."""
        if when < self._ends_at and not self.done():
            self._ends_at = when
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._task.get_loop().call_at(when, self._end)

    async def within(self, seconds: float | None) -> bool:
        """Waits for it, at most so long; whether it is over. Cancelled, this ends at once."""
        await asyncio.wait([self._task], timeout=seconds)
        return self.done()

    async def wait(self, *, at_most: float | None = None) -> T:
        """Its result. Cancelled, this waits all the same; see `run_to_completion` for the errors.

        Args:
            at_most: seconds after which it goes on in the background, and `TimeoutError` is raised.
        """
        clock = self._task.get_loop().time
        until = math.inf if at_most is None else clock() + at_most
        cancelled: asyncio.CancelledError | None = None
        with contextlib.ExitStack() as scopes:
            while not self.done() and clock() < until:
                try:
                    left = None if at_most is None else until - clock()
                    await asyncio.wait([self._task], timeout=left)
                except asyncio.CancelledError as error:
                    if cancelled is None:
                        cancelled = error
                        scopes.enter_context(_shielded_from_anyio())
        if cancelled is not None:
            if self.error is not None:
                cancelled.add_note(f"{self.name} failed meanwhile: {self.error}")
            raise cancelled
        if not self.done():
            raise TimeoutError(f"{self.name} goes on in the background after {at_most:g} s")
        if self.error is not None:
            raise self.error
        return self._value

    async def settle(self, during: BaseException, *, at_most: float | None = None) -> None:
        """Waits for it as `wait`, while another exception is handled: that one gets a note if this
        fails, and isn't replaced. Only an exit or another cancellation is raised.
        """
        try:
            await self.wait(at_most=at_most)
        except Exception as error:  # noqa: BLE001 - goes into the note
            during.add_note(str(error))

    async def _run(self, work: Coroutine[Any, Any, T]) -> None:
        _user_task.set(None)  # whoever began it, it is ours
        # Nothing is raised out of this task: `SystemExit` would stop the loop here and now.
        try:
            self._value = await work
        except asyncio.CancelledError as error:
            if self._timed_out:
                self.error = TimeoutError(f"{self.name} wasn't over in time")
            else:  # a part of it was cancelled; the caller wasn't
                self.error = RuntimeError(f"{self.name} was cancelled from inside")
            self.error.__cause__ = error
        except BaseException as error:  # noqa: BLE001 - raised by `wait`
            self.error = error

    def _end(self) -> None:
        self._timed_out = True
        self._task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        _running[task.get_loop()].discard(self)
        self._over.set_result(None)
        if self._interrupts:
            INTERRUPTS.leave()
        if task.cancelled() or task.exception() is not None:  # before its first step, or in between
            self.error = self.error or RuntimeError(f"{self.name} was ended from outside")

    async def _stay(self) -> None:
        await self._over


def unlisted_task(work: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
    """A task that `asyncio.all_tasks()` doesn't list: only who has it can cancel it.

    It has to be awaited by uncancellable work; the end of the loop doesn't wait for it.
    """
    # Not by `loop.create_task`: a task factory may start it eagerly, or make it of another class.
    task = asyncio.Task(work, loop=asyncio.get_running_loop(), name=name)
    unlist(task)
    return task


def unlist(task: asyncio.Task[Any]) -> None:
    """Takes a task that is part of uncancellable work out of `asyncio.all_tasks()`."""
    asyncio.tasks._unregister_task(task)  # noqa: SLF001 - documented for extensions of asyncio


class _Listed(asyncio.Task[None]):
    """A task that can't be cancelled, not even before its first step."""

    def cancel(self, msg: Any | None = None) -> bool:
        del msg
        return False


#: Per loop: what runs, and the moment by which all of it has to be over.
_running: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, set[Uncancellable[Any]]]] = (
    weakref.WeakKeyDictionary()
)
_limits: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, float]] = (
    weakref.WeakKeyDictionary()
)


def limit_uncancellable(seconds: float) -> None:
    """All uncancellable work of the running loop, and what starts later, ends within `seconds`."""
    loop = asyncio.get_running_loop()
    _limits[loop] = min(loop.time() + seconds, _limits.get(loop, math.inf))
    for work in list(_running.get(loop, ())):
        work.end_by(_limits[loop])


def _shielded_from_anyio() -> contextlib.AbstractContextManager[object]:
    """A cancelled scope of anyio cancels its tasks again in every round of the loop, which keeps a
    processor busy for as long as they go on; a shielded scope inside stops that.
    """
    anyio: Any = sys.modules.get("anyio")
    return contextlib.nullcontext() if anyio is None else anyio.CancelScope(shield=True)


def own_cancellation(error: BaseException) -> bool:
    """Whether an error is the running task's own cancellation, and not a `CancelledError` that the
    user's code raised though nothing cancelled it.
    """
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


#: The task that runs the user's code which started the running one.
_user_task: Final[ContextVar[asyncio.Task[Any] | None]] = ContextVar(
    "akool_user_task", default=None
)


@contextlib.contextmanager
def running_user_code() -> Iterator[None]:
    """The running task runs code of the user's that closing waits for, such as a handler."""
    token = _user_task.set(asyncio.current_task())
    try:
        yield
    finally:
        _user_task.reset(token)


def user_task() -> asyncio.Task[Any] | None:
    """The running task; or the one in `running_user_code` that started it, and may wait for it.

    A handler that awaits `asyncio.wait_for(avatar.aclose(), 5)` has another task wait for closing.
    """
    starter = _user_task.get()
    return asyncio.current_task() if starter is None or starter.done() else starter


def check_loop(loop: asyncio.AbstractEventLoop, owner: str) -> None:
    """Refuses to go on outside an event loop; `owner` is what belongs to it.

    Raises:
        RuntimeError: another loop runs here, or none, as in another thread.
    """
    try:
        running: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is not loop:
        raise RuntimeError(
            f"this {owner} belongs to an event loop that isn't running here; from another thread "
            "use asyncio.run_coroutine_threadsafe(coroutine, loop), where loop is the "
            f"{owner}'s and the coroutine calls the {owner}"
        )


#: One for all: an empty set takes 216 bytes.
_NO_TASKS: Final[frozenset[asyncio.Task[Any]]] = frozenset()


class Flag:
    """An `asyncio.Event` that takes memory for those who wait only while one waits: a session has
    seven, of 760 bytes each.
    """

    __slots__ = ("_set", "_waiting")

    def __init__(self, *, is_set: bool = False) -> None:
        self._set = is_set
        self._waiting: tuple[asyncio.Future[None], ...] = ()

    def is_set(self) -> bool:
        """Whether `wait` returns at once."""
        return self._set

    def set(self) -> None:
        """Ends every `wait`."""
        self._set = True
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    def clear(self) -> None:
        """Lets `wait` wait again."""
        self._set = False

    async def wait(self) -> None:
        """Returns when the flag is set."""
        if self._set:
            return
        waiting = asyncio.get_running_loop().create_future()
        self._waiting += (waiting,)
        try:
            await waiting
        finally:
            self._waiting = tuple(one for one in self._waiting if one is not waiting)


class Tasks:
    """Tasks that run beside their owner, who waits for them at its end: each is kept until it
    ended, because the event loop itself keeps no reference.
    """

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running = _NO_TASKS

    def add(self, task: asyncio.Task[Any]) -> None:
        """Keeps one until it ended."""
        if not task.done():  # an eager one may be
            self._running |= {task}
            task.add_done_callback(self._discard)

    def _discard(self, task: asyncio.Task[Any]) -> None:
        self._running = self._running - {task} or _NO_TASKS

    @property
    def running(self) -> frozenset[asyncio.Task[Any]]:
        """Those that didn't end yet."""
        return self._running


class Waiter:
    """Waits for a change that another part of the program reports; for one task at a time.

    Args:
        busy: what the error says when another task waits already, and what to do.
    """

    def __init__(self, busy: str) -> None:
        self._busy = busy
        self._change: asyncio.Future[None] | None = None

    @property
    def waiting(self) -> bool:
        """Whether a task waits."""
        return self._change is not None

    def check(self) -> None:
        """Raises `RuntimeError` if a task waits."""
        if self._change is not None:
            raise RuntimeError(self._busy)

    async def wait(self) -> None:
        """Waits for the next `wake`.

        Raises:
            RuntimeError: another task waits already.
        """
        self.check()
        self._change = asyncio.get_running_loop().create_future()
        try:
            await self._change
        finally:
            self._change = None

    def wake(self) -> None:
        """Ends `wait`."""
        if self._change is not None and not self._change.done():
            self._change.set_result(None)


@dataclass(slots=True)
class Backoff:
    """Pauses between tries: exponential, with full jitter.

    Attributes:
        first: seconds; the first pause is random between 0 and this.
        most: seconds; each pause may be twice as long as the one before, up to this.
        random: gives 0 ≤ x < 1.
        tries: pauses so far.
    """

    first: float = 0.5
    most: float = 8.0
    random: Callable[[], float] = random_module.random
    tries: int = 0

    def pause(self, retry_after: float | None = None) -> float:
        """Seconds until the next try.

        Args:
            retry_after: seconds the service asked to wait. The pause is never shorter, and spread
                a little: many callers are asked to wait at the same moment.
        """
        ceiling = min(self.most, self.first * 2.0 ** min(self.tries, 30))
        self.tries += 1
        return ceiling * self.random() + (retry_after or 0.0)
