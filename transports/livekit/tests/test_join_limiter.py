"""`akool_livekit.join_limiter`: joins that are always seen to their end, four at a time."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, cast

import pytest
from akool_livekit.join_limiter import JOIN_LIMITER, JoinLimiter, join_room, leave_room
from livekit import rtc

from akool_async.testing.conformance import TIMEOUT, until


def test_four_at_once() -> None:
    assert JOIN_LIMITER.limit == 4


async def test_no_more_than_the_limit_at_once_and_in_the_order_of_asking() -> None:
    limiter = JoinLimiter(2)
    under_way, most, order = 0, 0, []

    async def one(number: int) -> None:
        nonlocal under_way, most
        permit = await limiter.acquire()
        order.append(number)
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        permit.release()
        permit.release()

    await asyncio.gather(*(one(n) for n in range(10)))
    assert most == 2
    assert order == list(range(10))


async def test_who_is_cancelled_while_waiting_takes_no_ones_turn() -> None:
    limiter = JoinLimiter(1)
    first = await limiter.acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    first.release()
    async with asyncio.timeout(TIMEOUT):
        (await limiter.acquire()).release()


async def test_who_is_cancelled_when_given_the_turn_passes_it_on() -> None:
    limiter = JoinLimiter(1)
    first = await limiter.acquire()
    second = asyncio.create_task(limiter.acquire())
    third = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0)
    first.release()
    await asyncio.sleep(0)  # the second was given the permit and didn't run yet
    second.cancel()
    async with asyncio.timeout(TIMEOUT):
        permit = await third
    permit.release()
    assert second.cancelled() or not second.result()


async def test_a_turn_kept_for_a_task_ends_with_it() -> None:
    limiter = JoinLimiter(1)
    permit = await limiter.acquire()
    gate = asyncio.Event()
    task = asyncio.create_task(gate.wait())
    permit.release_after(task)
    permit.release()
    waiting = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    gate.set()
    async with asyncio.timeout(TIMEOUT):
        (await waiting).release()


async def test_turns_are_handed_on_between_event_loops() -> None:
    limiter = JoinLimiter(1)
    permit = await limiter.acquire()
    got = threading.Event()

    async def elsewhere() -> None:
        (await limiter.acquire()).release()
        got.set()

    thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
    thread.start()
    await until(lambda: limiter.waiting == 1, "the other loop")
    permit.release()
    await asyncio.to_thread(thread.join, TIMEOUT)
    assert got.is_set()


async def test_a_join_given_up_by_cancelling_leaves_the_room_again(room) -> None:
    await room.fault("silent_join", seconds=2.0)
    permit = await JOIN_LIMITER.acquire()
    client = rtc.Room()
    url = room.credentials.livekit_url
    token = room.credentials.livekit_token.get_secret_value()
    joining = asyncio.create_task(join_room(client, url, token, timeout=TIMEOUT, permit=permit))
    await asyncio.sleep(0.1)
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    permit.release()
    assert not client.isconnected()
    await until(lambda: not room.sim.members(), "the room to be left")


async def test_a_join_given_up_for_time_leaves_the_room_when_it_was_let_in(room) -> None:
    await room.fault("silent_join", seconds=0.6)
    permit = await JOIN_LIMITER.acquire()
    client = rtc.Room()
    url = room.credentials.livekit_url
    token = room.credentials.livekit_token.get_secret_value()
    with pytest.raises(TimeoutError):
        await join_room(client, url, token, timeout=0.2, permit=permit)
    permit.release()
    await until(lambda: bool(room.events.here) or JOIN_LIMITER.free == 4, "the join to end")
    await until(lambda: JOIN_LIMITER.free == 4 and not room.sim.members(), "the room to be left")
    assert not client.isconnected()


async def test_leaving_twice_is_fine(room) -> None:
    permit = await JOIN_LIMITER.acquire()
    client = rtc.Room()
    url = room.credentials.livekit_url
    token = room.credentials.livekit_token.get_secret_value()
    await join_room(client, url, token, timeout=TIMEOUT, permit=permit)
    permit.release()
    assert client.isconnected()
    assert await leave_room(client, timeout=TIMEOUT)
    assert await leave_room(client, timeout=TIMEOUT)


def test_a_join_given_up_that_fails_as_the_program_ends_is_nothing_to_report() -> None:
    """`asyncio.run` writes a traceback for a task that it waits for and that raises."""
    reported: list[dict[str, Any]] = []

    class Refusing:
        async def connect(self, *arguments: object) -> None:
            await asyncio.sleep(0.05)
            raise rtc.ConnectError("refused")

        def isconnected(self) -> bool:
            return False

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: reported.append(what))
        permit = await JoinLimiter(1).acquire()
        with pytest.raises(TimeoutError):
            await join_room(
                cast("rtc.Room", Refusing()), "ws://x", "token", timeout=0.001, permit=permit
            )

    asyncio.run(main())
    assert reported == []
