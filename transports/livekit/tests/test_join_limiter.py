"""`akool_livekit.join_limiter`: joins that are always seen to their end, four at a time."""

from __future__ import annotations

import asyncio
import threading

import pytest
from akool_livekit.join_limiter import BRING_UPS, BringUps, join_room, leave_room
from livekit import rtc

from akool_async.testing.conformance import PATIENCE, until


def test_four_at_once() -> None:
    assert BRING_UPS.limit == 4


async def test_no_more_than_the_limit_at_once_and_in_the_order_of_asking() -> None:
    bring_ups = BringUps(2)
    under_way, most, order = 0, 0, []

    async def one(number: int) -> None:
        nonlocal under_way, most
        turn = await bring_ups.turn()
        order.append(number)
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        turn.release()
        turn.release()

    await asyncio.gather(*(one(n) for n in range(10)))
    assert most == 2
    assert order == list(range(10))


async def test_who_is_cancelled_while_waiting_takes_nobodys_turn() -> None:
    bring_ups = BringUps(1)
    first = await bring_ups.turn()
    waiting = asyncio.create_task(bring_ups.turn())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    first.release()
    async with asyncio.timeout(PATIENCE):
        (await bring_ups.turn()).release()


async def test_who_is_cancelled_when_given_the_turn_passes_it_on() -> None:
    bring_ups = BringUps(1)
    first = await bring_ups.turn()
    second = asyncio.create_task(bring_ups.turn())
    third = asyncio.create_task(bring_ups.turn())
    await asyncio.sleep(0)
    first.release()
    await asyncio.sleep(0)  # the second was given the turn and didn't run yet
    second.cancel()
    async with asyncio.timeout(PATIENCE):
        turn = await third
    turn.release()
    assert second.cancelled() or not second.result()


async def test_a_turn_kept_for_a_task_ends_with_it() -> None:
    bring_ups = BringUps(1)
    turn = await bring_ups.turn()
    gate = asyncio.Event()
    task = asyncio.create_task(gate.wait())
    turn.release_after(task)
    turn.release()
    waiting = asyncio.create_task(bring_ups.turn())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    gate.set()
    async with asyncio.timeout(PATIENCE):
        (await waiting).release()


async def test_turns_are_handed_on_between_event_loops() -> None:
    bring_ups = BringUps(1)
    turn = await bring_ups.turn()
    got = threading.Event()

    async def elsewhere() -> None:
        (await bring_ups.turn()).release()
        got.set()

    thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
    thread.start()
    await until(lambda: bring_ups.waiting == 1, "the other loop")
    turn.release()
    await asyncio.to_thread(thread.join, PATIENCE)
    assert got.is_set()


async def test_a_join_given_up_by_cancelling_leaves_the_room_again(room) -> None:
    await room.fault("silent_join", seconds=0.3)
    turn = await BRING_UPS.turn()
    client = rtc.Room()
    url = room.credentials.livekit_url
    token = room.credentials.livekit_token.get_secret_value()
    joining = asyncio.create_task(join_room(client, url, token, timeout=PATIENCE, turn=turn))
    await asyncio.sleep(0.1)
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    turn.release()
    assert not client.isconnected()
    await until(lambda: not room.sim.members(), "the room to be left")


async def test_a_join_given_up_for_time_leaves_the_room_when_it_was_let_in(room) -> None:
    await room.fault("silent_join", seconds=0.6)
    turn = await BRING_UPS.turn()
    client = rtc.Room()
    url = room.credentials.livekit_url
    token = room.credentials.livekit_token.get_secret_value()
    with pytest.raises(TimeoutError):
        await join_room(client, url, token, timeout=0.2, turn=turn)
    turn.release()
    await until(lambda: bool(room.events.here) or BRING_UPS.free == 4, "the join to end")
    await until(lambda: BRING_UPS.free == 4 and not room.sim.members(), "the room to be left")
    assert not client.isconnected()


async def test_leaving_twice_is_fine(room) -> None:
    turn = await BRING_UPS.turn()
    client = rtc.Room()
    url = room.credentials.livekit_url
    token = room.credentials.livekit_token.get_secret_value()
    await join_room(client, url, token, timeout=PATIENCE, turn=turn)
    turn.release()
    assert client.isconnected()
    assert await leave_room(client, timeout=PATIENCE)
    assert await leave_room(client, timeout=PATIENCE)
