"""Bytes from the event loop to a thread that reads them like a file."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import threading
from typing import Final

__all__ = ["BytePipe"]

#: Bytes beyond which `put` waits.
_FULL: Final = 4 * 2**20


class BytePipe:
    """A bounded pipe. `put` and `end` belong to the loop that it is made on, `read` to one thread.

    Args:
        limit: bytes beyond which `put` waits for the thread to read.
    """

    def __init__(self, limit: int = _FULL) -> None:
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._changed = threading.Condition()
        self._chunks: collections.deque[bytes] = collections.deque()
        self._size = 0
        self._ended = False
        self._space = asyncio.Event()
        self._space.set()

    async def put(self, data: bytes) -> None:
        """Appends, and returns when there is space for more. Ignored after the end."""
        with self._changed:
            if self._ended or not data:
                return
            self._chunks.append(data)
            self._size += len(data)
            if self._size > self._limit:
                self._space.clear()
            self._changed.notify()
        await self._space.wait()

    def end(self, *, drop: bool = False) -> None:
        """Nothing more comes; `read` returns what there is, then b"". `drop`: b"" at once."""
        self._end(drop=drop)
        self._space.set()

    def drain(self) -> None:
        """Nothing more is read: the thread's way to end it."""
        self._end(drop=True)
        with contextlib.suppress(RuntimeError):  # the loop is closed: no one waits
            self._loop.call_soon_threadsafe(self._space.set)

    def _end(self, *, drop: bool) -> None:
        with self._changed:
            self._ended = True
            if drop:
                self._chunks.clear()
                self._size = 0
            self._changed.notify()

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, at least one; b"" at the end. Waits, in the thread."""
        with self._changed:
            while not self._chunks and not self._ended:
                self._changed.wait()
            if not self._chunks:
                return b""
            chunk = self._chunks.popleft()
            if 0 <= size < len(chunk):
                self._chunks.appendleft(chunk[size:])
                chunk = chunk[:size]
            self._size -= len(chunk)
            if self._size <= self._limit and not self._ended and not self._space.is_set():
                self._loop.call_soon_threadsafe(self._space.set)
            return chunk
