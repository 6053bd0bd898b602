"""Finding user code that holds the event loop up.

While a handler or a responder computes or waits without `await`, no packet is read or sent: the
avatar seems slow, and the room may drop. Each step of such code is timed, from one suspension to
the next.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeVar

from akool_async import misuse

__all__ = ["LIMIT", "StepTimer", "name_of"]

T = TypeVar("T")

#: Seconds that one step of a handler or a responder may take without a warning.
LIMIT: Final = 0.5


def name_of(function: object) -> str:
    """A function's name, for people."""
    return str(getattr(function, "__qualname__", None) or repr(function))


class StepTimer:
    """Times one function's steps; warns, once, where one takes `LIMIT` seconds or more.

    Args:
        where: what is timed, as the warning begins: "the handler on_reply".
        clock: seconds.
    """

    def __init__(self, where: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._where = where
        self._clock = clock
        self._warned = False

    @contextmanager
    def step(self) -> Iterator[None]:
        """Times what is done inside, which must not `await`."""
        began = self._clock()
        try:
            yield
        finally:
            took = self._clock() - began
            if took >= LIMIT and not self._warned:
                self._warned = True
                misuse.warn(
                    f"{self._where} held the event loop up for {took:.1f} s, and nothing else ran "
                    "meanwhile. Give what blocks to a thread, await asyncio.to_thread(…), or use "
                    "an asynchronous client."
                )

    def timed(self, awaitable: Awaitable[T]) -> Awaitable[T]:
        """The same awaitable, each of whose steps is timed."""
        return _Timed(awaitable, self)


class _Timed(Awaitable[T]):
    """Passes on what the task sends and throws, and times how long the awaitable takes for it."""

    def __init__(self, awaitable: Awaitable[T], timer: StepTimer) -> None:
        self._awaitable = awaitable
        self._timer = timer

    def __await__(self) -> Generator[Any, Any, T]:
        steps = _awaited(self._awaitable)
        resume: Callable[[], Any] = partial(steps.send, None)
        while True:
            try:
                with self._timer.step():
                    yielded = resume()
            except StopIteration as ended:
                return ended.value  # type: ignore[no-any-return]
            try:
                resume = partial(steps.send, (yield yielded))
            except GeneratorExit:
                steps.close()
                raise
            except BaseException as raised:  # noqa: BLE001 - passed on to the awaitable
                resume = partial(steps.throw, raised)


async def _awaited(awaitable: Awaitable[T]) -> T:
    """Any awaitable as a coroutine, which can be sent to, thrown into and closed."""
    return await awaitable
