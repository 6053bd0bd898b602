"""Joining a room without endangering the process (docs/livekit.md rules 1 and 2).

A `Room.connect()` that is cancelled while the native part goes on joining ends the whole process
with SIGTERM 15 seconds later. So a join, once begun, is always seen to its end, by a task that
can't be cancelled; who gave it up has it leave the room again afterwards. Joins cost dozens of
file descriptors each while they are under way, so no more than four are at once in a process.
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

__all__ = ["BRING_UPS", "BringUps", "Turn", "join_room", "leave_room"]

logger = logging.getLogger(__name__)

#: How long a cancelled caller is held up at most while its join comes to its end, in seconds.
_CANCEL_GRACE: Final = 5.0
#: The shortest that one signalling attempt is given, in seconds.
_SHORTEST_ATTEMPT: Final = 1.0
#: The client makes four attempts; together they should end about when the caller's time does.
_ATTEMPTS: Final = 4


class Turn:
    """One of the joins that may be under way; released once, by whoever is last to need it."""

    def __init__(self, bring_ups: BringUps) -> None:
        self._bring_ups = bring_ups
        self._held = True

    def release(self) -> None:
        """Hands the turn to the next one; twice is fine."""
        if self._held:
            self._held = False
            self._bring_ups.give_back()

    def release_after(self, task: asyncio.Task[Any]) -> None:
        """Keeps the turn for a task that goes on; `release` then does nothing."""
        if self._held:
            self._held = False
            task.add_done_callback(lambda _: self._bring_ups.give_back())


class BringUps:
    """So many at once in this process, whichever event loops they run on."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._free = limit
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    @property
    def free(self) -> int:
        """Turns that nobody has."""
        return self._free

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        return len(self._waiting)

    async def turn(self) -> Turn:
        """Waits for a turn, in the order of asking."""
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return Turn(self)
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
                # It was given the turn, and can't use it any more.
                self.give_back()
            raise
        return Turn(self)

    def give_back(self) -> None:
        """Called by `Turn`: the next one's turn."""
        with self._lock:
            while self._waiting:
                loop, given = self._waiting.popleft()
                try:
                    loop.call_soon_threadsafe(_give, given)
                except RuntimeError:
                    continue  # that loop is closed, and nobody waits on it any more
                return
            self._free += 1


def _give(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)


#: No more than four joins in progress in a process.
BRING_UPS: Final = BringUps(4)


class _Join:
    """One `Room.connect()`, and what is to become of the room."""

    def __init__(self, room: rtc.Room) -> None:
        self.room = room
        self.given_up = False

    async def run(self, url: str, token: str, options: rtc.RoomOptions) -> None:
        await self.room.connect(url, token, options)
        if self.given_up:
            await self.room.disconnect()


async def join_room(room: rtc.Room, url: str, token: str, *, timeout: float, turn: Turn) -> None:
    """Joins, with the profile of a bot that only exchanges data; `timeout` in seconds.

    Given up, the room is left as soon as the native part lets go of it, and `turn` is kept as long.

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
        await _give_up(join, task, turn, grace=_CANCEL_GRACE)
        raise
    if not task.done():
        await _give_up(join, task, turn, grace=0)
        raise TimeoutError(f"not joined within the {timeout:.1f} s that were left")
    task.result()


async def _give_up(join: _Join, task: asyncio.Task[None], turn: Turn, *, grace: float) -> None:
    join.given_up = True
    await _until_done(task, grace)
    if not task.done():
        turn.release_after(task)
        task.add_done_callback(_succeeded)
    elif _succeeded(task) and join.room.isconnected():
        # It had joined before it was told that nobody wants it any more.
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
    """Waits in spite of being cancelled, though not for ever; returns whether it was."""
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
    """Takes the outcome of a task that nobody waits for any more."""
    error = task.exception()
    if error is not None:
        logger.debug("%s: %s", task.get_name(), type(error).__name__)
    return error is None
