"""The sessions that a client has open, and the work that creates and closes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Protocol, TypeVar

from akool_async.concurrency import Uncancellable, unlisted_task
from akool_async.errors import ConfigurationError, SessionLeftOpenError

__all__ = ["OpenSessions"]

T = TypeVar("T")

#: Requests that close a session at a time.
MAX_CLOSING: Final = 100


class Closable(Protocol):
    """An open session; `aclose` is bounded in time, and fine to call twice."""

    async def aclose(self) -> None:
        """Closes it at the service."""

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether closing it waits for that task."""
        ...


class OpenSessions:
    """What a client, with all its copies, has to close before its connections.

    Attributes:
        closing: whether the client is being closed, so that nothing more may be opened.
        ids: of the sessions that `open_session` has open, from create's answer on.
        slots: one for each request that closes a session; waiting for one isn't a failed try.
    """

    def __init__(self) -> None:
        self.closing = False
        self.ids: set[str] = set()
        self.slots = asyncio.Semaphore(MAX_CLOSING)
        self._sessions: set[Closable] = set()
        #: These, and those that are being closed.
        self._not_closed: set[Closable] = set()
        self._work: set[Uncancellable[Any]] = set()
        #: Sessions that are being opened, and by which task.
        self._opening: dict[asyncio.Future[None], asyncio.Task[Any] | None] = {}
        self._waiting: set[asyncio.Timeout] = set()

    @contextmanager
    def opening(self) -> Iterator[None]:
        """While a session is created, until it was added or closed: `aclose` waits for that.

        Raises:
            ConfigurationError: the client is closed.
        """
        self.check()
        mark = asyncio.get_running_loop().create_future()
        self._opening[mark] = asyncio.current_task()
        try:
            yield
        finally:
            del self._opening[mark]
            if not mark.done():
                mark.set_result(None)

    def check(self) -> None:
        """Raises `ConfigurationError` if the client is closed or being closed."""
        if self.closing:
            raise ConfigurationError("The client is closed: nothing can be opened by it any more")

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """While opening waits for others and has sent nothing: `aclose` ends that at once.

        Raises:
            ConfigurationError: the client is closed, or was closed meanwhile.
        """
        self.check()
        limit = asyncio.timeout(None)
        self._waiting.add(limit)
        try:
            async with limit:
                yield
        except TimeoutError:
            if limit.expired():
                self.check()
            raise
        finally:
            self._waiting.discard(limit)

    def add(self, session: Closable) -> None:
        """A session is open."""
        self._sessions.add(session)
        self._not_closed.add(session)

    def discard(self, session: Closable) -> None:
        """It is closed, or can't be closed."""
        self._sessions.discard(session)
        self._not_closed.discard(session)

    def wait_for(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether closing the sessions waits for that task: it is a handler of one, or opens one
        and calls the user's `on_created`.
        """
        opens = task is not None and task in self._opening.values()
        return opens or any(session.runs(task) for session in self._not_closed)

    def start(
        self, work: Coroutine[Any, Any, T], *, timeout: float | None, name: str
    ) -> Uncancellable[T]:
        """Starts uncancellable work, and remembers it until it is over."""
        started = Uncancellable(work, timeout=timeout, name=name)
        self._work.add(started)
        started.add_done_callback(self._work.discard)
        return started

    async def aclose(self) -> None:
        """Closes every session, and waits for those that are being created or closed.

        Raises:
            SessionLeftOpenError: some couldn't be closed.
        """
        self.closing = True
        for limit in self._waiting:
            limit.reschedule(0.0)
        left: dict[str, SessionLeftOpenError] = {}
        failed: BaseException | None = None
        while self._sessions or self._work or self._opening:
            # Unlisted: the end of the program must not cancel one before its first step.
            closing = [unlisted_task(session.aclose()) for session in self._sessions]
            self._sessions.clear()
            working = [unlisted_task(work.within(None)) for work in self._work]
            pending: list[asyncio.Future[Any]] = [*closing, *working, *self._opening]
            await asyncio.wait(pending)
            for error in await asyncio.gather(*closing, return_exceptions=True):
                if isinstance(error, SessionLeftOpenError):
                    left |= dict.fromkeys(error.session_ids, error)
                elif error is not None:
                    failed = failed or error
        if failed is not None:
            if left:
                failed.add_note(str(left_open(left)))
            raise failed
        if left:
            raise left_open(left)


def left_open(errors: dict[str, SessionLeftOpenError]) -> SessionLeftOpenError:
    """One error for several sessions, by their ids."""
    if len(errors) == 1:
        return next(iter(errors.values()))
    lines = "\n".join(str(error) for error in errors.values())
    return SessionLeftOpenError(
        f"{len(errors)} sessions may still be open:\n{lines}", session_ids=tuple(errors)
    )
