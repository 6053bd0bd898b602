from __future__ import annotations

import asyncio
from typing import Any

import pytest

from akool_async.concurrency import Uncancellable
from akool_async.errors import ConfigurationError, SessionLeftOpenError
from akool_async.resources.open_sessions import OpenSessions, left_open

pytestmark = pytest.mark.virtual_clock


class Session:
    """Open until it is closed; `error`: what closing it raises."""

    def __init__(self, owner: OpenSessions, error: BaseException | None = None) -> None:
        self.owner = owner
        self.error = error
        self.closed = 0
        self.handler: asyncio.Task[Any] | None = None
        owner.add(self)

    async def aclose(self) -> None:
        await asyncio.sleep(1)
        self.closed += 1
        self.owner.discard(self)
        if self.error is not None:
            raise self.error

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        return task is not None and task is self.handler


async def test_closing_closes_every_session_side_by_side() -> None:
    owner = OpenSessions()
    sessions = [Session(owner) for _ in range(50)]
    began = asyncio.get_running_loop().time()
    await owner.aclose()
    assert [session.closed for session in sessions] == [1] * 50
    assert asyncio.get_running_loop().time() - began < 2  # not 50 s


async def test_one_that_is_closed_already_is_left_alone() -> None:
    owner = OpenSessions()
    session = Session(owner)
    owner.discard(session)
    await owner.aclose()
    assert session.closed == 0


async def test_it_waits_for_one_that_is_being_opened_and_closes_it() -> None:
    owner = OpenSessions()
    found: list[Session] = []

    async def open_one() -> None:
        with owner.opening():
            await asyncio.sleep(5)
            found.append(Session(owner))

    task = asyncio.create_task(open_one())
    await asyncio.sleep(0)
    await owner.aclose()
    assert [session.closed for session in found] == [1]
    await task


async def test_nothing_can_be_opened_afterwards() -> None:
    owner = OpenSessions()
    owner.check()
    await owner.aclose()
    with pytest.raises(ConfigurationError, match="client is closed"):
        owner.check()
    with pytest.raises(ConfigurationError), owner.opening():
        pytest.fail("opened")
    with pytest.raises(ConfigurationError):
        async with owner.waiting():
            pytest.fail("waited")


async def test_what_waits_for_its_turn_ends_at_once() -> None:
    owner = OpenSessions()

    async def wait() -> None:
        async with owner.waiting():
            await asyncio.sleep(3600)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    began = asyncio.get_running_loop().time()
    await owner.aclose()
    with pytest.raises(ConfigurationError, match="client is closed"):
        await task
    assert asyncio.get_running_loop().time() - began < 1


async def test_a_time_limit_of_its_own_is_passed_on() -> None:
    owner = OpenSessions()
    with pytest.raises(TimeoutError):
        async with owner.waiting(), asyncio.timeout(1):
            await asyncio.sleep(60)


async def test_work_under_way_is_waited_for() -> None:
    owner = OpenSessions()
    done: list[str] = []

    async def work() -> None:
        await asyncio.sleep(3)
        done.append("created")

    owner.start(work(), timeout=None, name="create")
    await owner.aclose()
    assert done == ["created"]


async def test_what_stays_open_is_named_after_the_others_are_closed() -> None:
    owner = OpenSessions()
    failing = [
        Session(owner, SessionLeftOpenError(f"left {name}", session_ids=(name,)))
        for name in ("s1", "s2")
    ]
    fine = Session(owner)
    with pytest.raises(SessionLeftOpenError, match="2 sessions may still be open") as caught:
        await owner.aclose()
    assert set(caught.value.session_ids) == {"s1", "s2"}
    assert "left s1" in str(caught.value)
    assert "left s2" in str(caught.value)
    assert [session.closed for session in (*failing, fine)] == [1, 1, 1]


def test_the_error_of_a_single_session_is_raised_as_it_is() -> None:
    error = SessionLeftOpenError("left s1", session_ids=("s1",))
    assert left_open({"s1": error}) is error


async def test_a_handler_of_a_session_would_wait_for_itself() -> None:
    owner = OpenSessions()
    session = Session(owner)
    session.handler = asyncio.current_task()
    assert owner.wait_for(asyncio.current_task())
    assert not owner.wait_for(None)
    owner.discard(session)
    assert not owner.wait_for(asyncio.current_task())


@pytest.mark.parametrize("rounds", range(4))
async def test_the_end_of_the_program_cancels_none_before_its_first_step(rounds: int) -> None:
    owner = OpenSessions()
    session = Session(owner)
    own = asyncio.all_tasks()
    closing = Uncancellable(owner.aclose(), timeout=None, name="closing the client")
    for _ in range(rounds):
        await asyncio.sleep(0)
    for task in asyncio.all_tasks() - own:
        task.cancel()
    await closing.wait()
    assert session.closed == 1


async def test_one_that_fails_oddly_does_not_keep_from_closing_what_is_opened_meanwhile() -> None:
    owner = OpenSessions()
    Session(owner, ZeroDivisionError("a handler's"))
    found: list[Session] = []

    async def open_one() -> None:
        with owner.opening():
            await asyncio.sleep(1)  # over when the first one is closed
            found.append(Session(owner))

    opening = asyncio.create_task(open_one())
    await asyncio.sleep(0)
    with pytest.raises(ZeroDivisionError):
        await owner.aclose()
    assert [session.closed for session in found] == [1]
    await opening
