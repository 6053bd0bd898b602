"""Joining a room without endangering the process (docs/livekit.md rules 1 and 2).

A `Room.connect()` that is cancelled while the native part goes on joining ends the whole process
with SIGTERM 15 seconds later. So a join, once begun, runs to its end in a task that can't be
cancelled. If the caller was cancelled, that task leaves the room once the join completes. A join
takes dozens of file descriptors while it is in progress, so no more than four are in progress at
once in a process.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from akool_async.transport.native import finish

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["JOIN_LIMITER", "JoinLimiter", "Permit", "join_room", "leave_room"]

logger = logging.getLogger("akool_async.transport.livekit")

#: How long a cancelled caller waits at most for its join to end, in seconds.
_CANCEL_GRACE: Final = 5.0
#: The shortest that one signalling attempt is given, in seconds.
_SHORTEST_ATTEMPT: Final = 1.0
#: The client makes four attempts; together they should end about when the caller's time does.
_ATTEMPTS: Final = 4


class Permit:
    """One of the joins that may be in progress; released once, by whoever needs it last."""

    def __init__(self, limiter: JoinLimiter) -> None:
        self._limiter = limiter
        self._held = True

    def release(self) -> None:
        """Gives the permit to the next one; twice is fine."""
        if self._held:
            self._held = False
            self._limiter.give_back()

    def release_after(self, task: asyncio.Task[Any]) -> None:
        """Keeps the permit until a task is done; `release` then does nothing."""
        if self._held:
            self._held = False
            task.add_done_callback(lambda _: self._limiter.give_back())


class JoinLimiter:
    """So many joins at once in this process, on whichever event loops they run."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._free = limit
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    @property
    def free(self) -> int:
        """Permits that aren't in use."""
        return self._free

    @property
    def waiting(self) -> int:
        """How many wait for a permit."""
        return len(self._waiting)

    async def acquire(self) -> Permit:
        """Waits for a permit, in the order of asking."""
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return Permit(self)
            loop = asyncio.get_running_loop()
            given: asyncio.Future[None] = loop.create_future()
            self._waiting.append((loop, given))
        try:
            await given
        except asyncio.CancelledError:
            with self._lock:
                waiting = (loop, given) in self._waiting
                if waiting:
                    self._waiting.remove((loop, given))
            if not waiting:
                # It was given the permit, and can't use it any more.
                self.give_back()
            raise
        return Permit(self)

    def give_back(self) -> None:
        """Called by `Permit`: hands it to the next one."""
        with self._lock:
            while self._waiting:
                loop, given = self._waiting.popleft()
                try:
                    loop.call_soon_threadsafe(_give, given)
                except RuntimeError:
                    continue  # that loop is closed: the caller is gone
                return
            self._free += 1


def _give(permit: asyncio.Future[None]) -> None:
    if not permit.done():
        permit.set_result(None)


#: No more than four joins in progress in a process.
JOIN_LIMITER: Final = JoinLimiter(4)


class _Join:
    """One `Room.connect()`; given up, it leaves the room once it has joined."""

    def __init__(self, room: rtc.Room) -> None:
        self.room = room
        self.given_up = False

    async def run(self, url: str, token: str, options: rtc.RoomOptions) -> None:
        try:
            await self.room.connect(url, token, options)
        except Exception as error:
            if not self.given_up:
                raise
            # Raised, it would be reported as unhandled where the program ends meanwhile.
            logger.debug("a join that was given up failed: %s", type(error).__name__)
            return
        if self.given_up:
            await self.room.disconnect()


async def join_room(
    room: rtc.Room, url: str, token: str, *, timeout: float, permit: Permit
) -> None:
    """Joins, with the profile of a bot that only exchanges data; `timeout` in seconds.

    If it is given up, the room is left once the native join completes; `permit` is kept until then.

    Raises:
        TimeoutError: not in time.
        livekit.rtc.ConnectError: the client gave up, or was refused.
    """
    from livekit import rtc

    attempt = max(_SHORTEST_ATTEMPT, timeout / _ATTEMPTS)
    options = rtc.RoomOptions(
        auto_subscribe=False,
        single_peer_connection=False,
        connect_timeout=min(5.0, attempt),
        rtc_config=rtc.RtcConfiguration(
            continual_gathering_policy=rtc.ContinualGatheringPolicy.GATHER_ONCE
        ),
    )
    join = _Join(room)
    task = finish(join.run(url, token, options), "livekit join")
    try:
        await asyncio.wait({task}, timeout=timeout)
    except asyncio.CancelledError:
        await _give_up(join, task, permit, grace=_CANCEL_GRACE)
        raise
    if not task.done():
        await _give_up(join, task, permit, grace=0)
        raise TimeoutError(f"not joined within the {timeout:.1f} s that were left")
    task.result()


async def _give_up(join: _Join, task: asyncio.Task[None], permit: Permit, *, grace: float) -> None:
    join.given_up = True
    await _until_done(task, grace)
    if not task.done():
        permit.release_after(task)
        task.add_done_callback(_succeeded)
    elif _succeeded(task) and join.room.isconnected():
        # It had joined just before it was given up.
        await leave_room(join.room, timeout=_CANCEL_GRACE)


async def leave_room(room: rtc.Room, *, timeout: float) -> bool:
    """Leaves; `timeout` in seconds. Returns whether it was done by then.

    Cancelled, it goes on until it is done or the time is over, and is cancelled then.
    """
    task = finish(room.disconnect(), "livekit leave")
    cancelled = await _until_done(task, timeout)
    if not task.done():
        logger.warning("leaving a LiveKit room takes longer than %.1f s", timeout)
        task.add_done_callback(_succeeded)
    if cancelled:
        raise asyncio.CancelledError
    return task.done() and _succeeded(task)


async def _until_done(task: asyncio.Task[Any], timeout: float) -> bool:
    """Waits for at most `timeout` s, cancelled or not; returns whether it was cancelled."""
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout
    cancelled = False
    while not task.done() and (left := until - loop.time()) > 0:
        try:
            await asyncio.wait({task}, timeout=left)
        except asyncio.CancelledError:
            cancelled = True
    return cancelled


def _succeeded(task: asyncio.Task[Any]) -> bool:
    """Takes the outcome of a task that isn't awaited."""
    error = task.exception()
    if error is not None:
        logger.debug("%s: %s", task.get_name(), type(error).__name__)
    return error is None
