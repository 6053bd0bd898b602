"""What sessions take and give back: slots, credits, and their end with the clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from akool_async.simulator import Clock
from akool_async.simulator.checks import Refusal
from akool_async.simulator.sessions import SessionBook, SimSession


async def no_room(session: SimSession) -> None:
    """As a service whose rooms need no time to open."""


class Account:
    """A book over a clock that a test moves."""

    def __init__(self, **limits: Any) -> None:
        self.clock = Clock(running=False)
        self.expired: list[SimSession] = []
        known = {"credits": 100.0, "credits_per_second": 1.0, "slots": 2, "queue_time": 1.0}

        async def on_expired(session: SimSession) -> None:
            self.expired.append(session)

        self.book = SessionBook(self.clock, **{**known, **limits}, on_expired=on_expired)

    def session(self, duration: float = 10.0, api: Any = "v4") -> SimSession:
        now = self.clock.now()
        return SimSession(
            api, "a", "livekit", "livekit", {}, duration, now, now + self.book.queue_time
        )

    async def begin(
        self,
        duration: float = 10.0,
        room: Callable[[SimSession], Awaitable[None]] = no_room,
        **more: Any,
    ) -> SimSession:
        session = self.session(duration, **more)
        await self.book.begin(session, room)
        await asyncio.sleep(0)  # its expiry looks at the clock
        return session

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.book.wait_settled()


Open = Callable[..., Account]


@pytest_asyncio.fixture
async def account() -> AsyncIterator[Open]:
    made: list[Account] = []

    def one(**limits: Any) -> Account:
        made.append(Account(**limits))
        return made[-1]

    yield one
    for each in made:
        await each.book.stop()


def code(caught: pytest.ExceptionInfo[Refusal]) -> int:
    return caught.value.code


async def test_a_session_takes_its_whole_price_at_once_and_gives_the_rest_back(
    account: Open,
) -> None:
    mine = account()
    session = await mine.begin(60.0)
    assert (mine.book.taken, mine.book.left) == (60.0, 40.0)
    await mine.pass_time(10)
    assert mine.book.settle(session, "closed")
    assert (mine.book.taken, mine.book.left) == (10.0, 90.0)
    assert (session.open, session.end_reason, session.ended_at) == (False, "closed", 10.0)
    assert not mine.book.settle(session, "failed")
    assert session.end_reason == "closed"


async def test_what_there_is_too_little_of_is_refused_and_nothing_taken(account: Open) -> None:
    mine = account()
    with pytest.raises(Refusal) as caught:
        await mine.begin(101.0)
    assert (code(caught), mine.book.taken) == (1104, 0.0)
    for _ in range(2):
        await mine.begin(1.0)
    assert mine.book.busy
    with pytest.raises(Refusal) as caught:
        await mine.begin(1.0)
    assert (code(caught), mine.book.taken) == (1215, 2.0)


async def test_without_limits_there_is_always_enough(account: Open) -> None:
    mine = account(credits=None, slots=None)
    for _ in range(5):
        await mine.begin(1e6)
    assert (mine.book.left, mine.book.busy) == (None, False)
    assert mine.book.taken == 5e6


async def test_a_room_that_cannot_be_opened_gives_everything_back(account: Open) -> None:
    mine = account()

    async def fails(session: SimSession) -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        await mine.begin(room=fails)
    assert (mine.book.taken, mine.book.open_sessions, dict(mine.book.by_id)) == (0.0, [], {})


async def test_slots_and_credits_are_taken_before_the_room_is_open(account: Open) -> None:
    mine = account(slots=1)
    entered, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(session: SimSession) -> None:
        entered.set()
        await goes_on.wait()

    task = asyncio.create_task(mine.begin(room=slow))
    await entered.wait()
    with pytest.raises(Refusal) as caught:
        await mine.begin()
    assert code(caught) == 1215
    assert mine.book.open_sessions == []  # it has no room yet
    goes_on.set()
    session = await task
    assert mine.book.open_sessions == [session]


async def test_a_status_follows_the_clock(account: Open) -> None:
    mine = account()
    session, failed = await mine.begin(10.0), await mine.begin(10.0)
    mine.book.settle(failed, "failed")
    statuses = [session.status(mine.clock.now())]
    for seconds in (1.0, 9.0):
        await mine.pass_time(seconds)
        statuses.append(session.status(mine.clock.now()))
    assert statuses == [1, 2, 3]
    assert failed.status(mine.clock.now()) == 4
    assert mine.expired == [session]
    assert session.end_reason == "expired"


async def test_sessions_are_found_by_api_and_status(account: Open) -> None:
    mine = account(slots=None)
    first, second = await mine.begin(), await mine.begin()
    legacy = await mine.begin(api="v3")
    mine.book.settle(first, "closed")
    assert mine.book.sessions("v4", None) == [second, first]
    assert mine.book.sessions("v4", 3) == [first]
    assert mine.book.sessions("v4", 1) == [second]
    assert mine.book.find(legacy.id, "v3") is legacy
    for session_id, api in ((legacy.id, "v4"), ("nothing", "v4")):
        with pytest.raises(Refusal) as caught:
            mine.book.find(session_id, api)
        assert code(caught) == 1216


async def test_waiting_for_a_session(account: Open) -> None:
    mine = account()
    waiting = asyncio.create_task(mine.book.wait_open())
    await asyncio.sleep(0)
    assert not waiting.done()
    session = await mine.begin()
    assert await waiting is session
    newer = await mine.begin()
    assert await mine.book.wait_open() is newer


async def test_stopping_leaves_open_sessions_in_the_book(account: Open) -> None:
    mine = account()
    session = await mine.begin()
    await mine.book.stop()
    mine.clock.advance(1000)
    await mine.book.wait_settled()
    assert mine.book.open_sessions == [session]
    assert mine.expired == []


def test_credentials_are_in_no_repr() -> None:
    session = Account().session()
    session.access["livekit_token"] = "room-token-123"
    assert "room-token-123" not in repr(session)
