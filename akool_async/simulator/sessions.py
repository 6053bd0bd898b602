"""Live sessions: their statuses, the slots and credits they take, and their end."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from akool_async.simulator.avatar.avatar import SimulatedAvatar
from akool_async.simulator.checks import Refusal
from akool_async.simulator.clock import Clock
from akool_async.simulator.meeting.player import MeetingPlayer
from akool_async.simulator.rooms.room import SimRoom
from akool_async.simulator.store import new_id

__all__ = ["EndReason", "SessionBook", "SimSession"]

logger = logging.getLogger(__name__)

EndReason = Literal["closed", "expired", "failed"]


@dataclass(slots=True, eq=False)
class SimSession:
    """One session, v4 or v3.

    Attributes:
        api: which of the two APIs made it.
        room_kind: "livekit", "agora", "trtc" or "chatroom".
        body: what session/create was sent.
        duration: seconds that credits were taken for.
        created, running_at: when, in the clock's seconds.
        access: the room's `credentials` (v4) or `stream_urls` (v3), secrets included.
        meeting: with `scene_mode="meeting"`, what the avatar was sent and played.
        ended_at, end_reason: `None` while it is open.
        pause_ends: (v3) when a paused session times out; `None`: it isn't paused.
    """

    api: Literal["v4", "v3"]
    avatar_id: str
    stream_type: str
    room_kind: str
    body: dict[str, Any] = field(repr=False)
    duration: float
    created: float
    running_at: float
    id: str = field(default_factory=new_id)
    task_id: str = field(default_factory=new_id)
    access: dict[str, Any] = field(default_factory=dict, repr=False)
    room: SimRoom | None = field(default=None, repr=False)
    avatar: SimulatedAvatar | None = field(default=None, repr=False)
    meeting: MeetingPlayer | None = field(default=None, repr=False)
    ended_at: float | None = None
    end_reason: EndReason | None = None
    pause_ends: float | None = None
    expiry: asyncio.Task[None] | None = field(default=None, repr=False)
    pause: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def open(self) -> bool:
        """Whether it still takes credits."""
        return self.ended_at is None

    def status(self, now: float) -> int:
        """1 queueing, 2 running, 3 completed, 4 failed."""
        if self.end_reason == "failed":
            return 4
        if self.ended_at is not None:
            return 3
        return 2 if now >= self.running_at else 1


class SessionBook:
    """All sessions of the account, and what they cost.

    Args:
        clock: the simulator's.
        credits: what the account has; `None`: enough. One second of a session takes
            `credits_per_second`.
        slots: how many sessions may be open at once; `None`: any number.
        queue_time: seconds for which a new session's status is 1.
        on_expired: what happens to the room of a session whose duration is up.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        credits: float | None,  # noqa: A002 - the service's word
        credits_per_second: float,
        slots: int | None,
        queue_time: float,
        on_expired: Callable[[SimSession], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._credits = credits
        self._rate = credits_per_second
        self.slots = slots
        self.queue_time = queue_time
        self._on_expired = on_expired
        self._used = 0.0
        self._held: dict[str, float] = {}
        self._by_id: dict[str, SimSession] = {}
        self._opened = asyncio.Event()

    # -- looking

    @property
    def by_id(self) -> Mapping[str, SimSession]:
        """Every session ever made, in that order."""
        return self._by_id

    @property
    def open_sessions(self) -> list[SimSession]:
        """Those that were not closed and haven't run out."""
        return [self._by_id[held] for held in self._held if held in self._by_id]

    @property
    def taken(self) -> float:
        """Credits taken by now: all of an open session's duration, what an ended one used."""
        return self._used + sum(self._held.values())

    @property
    def left(self) -> float | None:
        """Credits the account still has; `None`: without end."""
        return None if self._credits is None else self._credits - self.taken

    @property
    def busy(self) -> bool:
        """Whether all slots are taken."""
        return self.slots is not None and len(self._held) >= self.slots

    def find(self, session_id: str, api: str) -> SimSession:
        """By id.

        Raises:
            Refusal: there is none (1216).
        """
        session = self._by_id.get(session_id)
        if session is None or session.api != api:
            raise Refusal(1216, "the live session does not exist")
        return session

    def sessions(self, api: str, status: int | None) -> list[SimSession]:
        """Of one API, newest first."""
        now = self._clock.now()
        return [
            session
            for session in reversed(self._by_id.values())
            if session.api == api and (status is None or session.status(now) == status)
        ]

    # -- beginning and ending

    async def begin(
        self, session: SimSession, open_room: Callable[[SimSession], Awaitable[None]]
    ) -> None:
        """Takes a slot and the credits for the whole duration, and has the room opened.

        Raises:
            Refusal: no slot (1215) or not enough credits (1104). Nothing is taken then.
        """
        if self.busy:
            raise Refusal(1215, "the live avatar is busy, all slots are taken")
        price = session.duration * self._rate
        left = self.left
        if left is not None and price > left:
            raise Refusal(1104, "insufficient credit")
        # Taken before the room is opened, so that another call can't have them meanwhile.
        self._held[session.id] = price
        try:
            await open_room(session)
        except BaseException:
            del self._held[session.id]
            raise
        self._by_id[session.id] = session
        self._opened.set()
        session.expiry = asyncio.create_task(
            self._expire(session), name=f"simulator-expiry-{session.id}"
        )

    async def wait_open(self) -> SimSession:
        """The newest open session, once there is one."""
        while not self.open_sessions:
            self._opened.clear()
            await self._opened.wait()
        return self.open_sessions[-1]

    async def wait_made(self, number: int) -> SimSession:
        """The session that was made as number `number`, from 0, once it is."""
        while len(self._by_id) <= number:
            self._opened.clear()
            await self._opened.wait()
        return next(itertools.islice(self._by_id.values(), number, None))

    def settle(self, session: SimSession, reason: EndReason) -> bool:
        """Marks a session as ended and gives the unused credits back; `False`: it was already."""
        if not session.open:
            return False
        now = self._clock.now()
        session.ended_at = now
        session.end_reason = reason
        del self._held[session.id]
        self._used += min(now - session.created, session.duration) * self._rate
        for task in (session.expiry, session.pause):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        return True

    async def wait_settled(self) -> None:
        """Returns once every session that has run out or timed out by now has ended."""
        now = self._clock.now()
        due = [
            task
            for session in self._by_id.values()
            for task, when in (
                (session.expiry, self.due_at(session)),
                (session.pause, session.pause_ends or now),
            )
            if task is not None and not task.done() and now >= when
        ]
        if due:
            await asyncio.wait(due)

    def due_at(self, session: SimSession) -> float:
        """When its duration is up."""
        return session.created + session.duration

    async def stop(self) -> None:
        """Ends the waiting; sessions that are open stay open in the book."""
        tasks = [
            task
            for session in self._by_id.values()
            for task in (session.expiry, session.pause)
            if task is not None and not task.done()
        ]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _expire(self, session: SimSession) -> None:
        await self._clock.sleep(self.due_at(session) - self._clock.now())
        if self.settle(session, "expired"):
            logger.debug("session %s ran out after %g s", session.id, session.duration)
            await self._on_expired(session)
