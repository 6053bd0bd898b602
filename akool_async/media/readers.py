"""Readers of frames: bounded, the oldest frames dropped and counted, subscribed while they read."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, Generic, Protocol, Self, TypeVar

from akool_async.concurrency import Waiter
from akool_async.media.frames import AudioFrame, VideoFrame

__all__ = ["IDLE_AFTER", "Feed", "FrameReader"]

F = TypeVar("F", bound=AudioFrame | VideoFrame)

#: A reader that wasn't asked for so many seconds, while frames come, gives its subscription up.
IDLE_AFTER: Final = 2.0


class Feed(Protocol[F]):
    """Where a reader's frames come from."""

    def join(self, reader: FrameReader[F]) -> None:
        """Gives it every frame from now on; the transport is asked for them."""

    def leave(self, reader: FrameReader[F]) -> None:
        """No more frames for it."""


class FrameReader(Generic[F]):
    """The avatar's frames, oldest first: an async iterator, and a context manager that ends it.

    The room sends them from the first one that is asked for, or from entering the block. A reader
    that isn't asked for two seconds gets none until it is asked again, and then new ones. It goes
    on through reconnects and the avatar's return, and ends with the conversation. Not for two tasks
    at once; any number of readers share what the room sends.

    Attributes:
        dropped: frames that came and weren't read in time.
    """

    def __init__(
        self,
        feed: Feed[F],
        *,
        limit: int,
        wanted: Callable[[F], bool] | None = None,
        prepare: Callable[[F], F] | None = None,
        on_dropped: Callable[[int], None] | None = None,
    ) -> None:
        """
        Args:
            feed: gives it frames.
            limit: so many are kept; then the oldest is dropped.
            wanted: whether a frame is kept at all; one that isn't doesn't count as dropped.
            prepare: what becomes of a frame when it is read.
            on_dropped: is given the number of frames each time that some are dropped.
        """
        self.dropped = 0
        self._feed = feed
        self._limit = limit
        self._wanted = wanted
        self._prepare = prepare
        self._on_dropped = on_dropped
        self._waiting: deque[F] = deque()
        self._joined = False
        self._ended = False
        self._error: BaseException | None = None
        self._change = Waiter("this reader is already awaited; make another one")
        self._loop = asyncio.get_running_loop()
        self._asked_at = self._loop.time()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> F:
        self._change.check()
        self._join()
        while not self._waiting:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self._ended:
                raise StopAsyncIteration
            try:
                await self._change.wait()
            finally:
                self._asked_at = self._loop.time()
        frame = self._waiting.popleft()
        return frame if self._prepare is None else self._prepare(frame)

    async def __aenter__(self) -> Self:
        self._join()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends it: the room may stop sending, and what waits is dropped."""
        self._waiting.clear()
        self.end()

    def _join(self) -> None:
        self._asked_at = self._loop.time()
        if not self._joined and not self._ended:
            self._feed.join(self)
            self._joined = not self._ended

    def _leave(self) -> None:
        if self._joined:
            self._joined = False
            self._feed.leave(self)

    def put(self, frame: F) -> None:
        """A frame came; called by the feed."""
        if self._ended or (self._wanted is not None and not self._wanted(frame)):
            return
        self._waiting.append(frame)
        if self._change.waiting:
            self._change.wake()
        elif self._loop.time() - self._asked_at > IDLE_AFTER:
            self._drop(len(self._waiting))
            self._waiting.clear()
            self._leave()
            return
        if len(self._waiting) > self._limit:
            self._waiting.popleft()
            self._drop(1)

    def _drop(self, count: int) -> None:
        self.dropped += count
        if self._on_dropped is not None:
            self._on_dropped(count)

    def end(self, error: BaseException | None = None) -> None:
        """No more frames: what waits can be read, then the reader ends, or raises `error` once."""
        if not self._ended:
            self._ended, self._error = True, error
            self._leave()
            self._change.wake()
