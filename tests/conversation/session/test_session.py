from __future__ import annotations

import asyncio
import json
import logging

import pytest

from akool_async.conversation import AvatarSession, ConversationOptions
from akool_async.errors import (
    ConversationClosedError,
    JoinRefusedError,
)
from akool_async.events import Reconnecting
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.transport import ConnectionState


async def test_a_refused_opening_is_an_answer_too():
    pair = InMemoryRoom()

    def refuse(packet: bytes) -> None:
        message = json.loads(packet)
        answer = {"cmd": message["pld"]["cmd"], "code": 1003, "msg": "nothing to set"}
        pair.send(json.dumps({**message, "pld": answer}).encode())

    pair.on_packet = refuse
    options = ConversationOptions(opening_timeout=30)
    async with asyncio.timeout(10), AvatarSession(pair.transport, options=options) as session:
        assert not session.closed


async def test_without_an_answer_it_opens_with_a_warning(scene, echo, caplog):
    pair = InMemoryRoom()
    pair.silent = True
    with caplog.at_level(logging.WARNING):
        async with scene(pair) as s:
            assert "didn't answer the opening set-params" in caplog.text
            pair.silent = False
            echo(s.robot)
            assert (await s.session.ask("still there?")).text == "STILL THERE?"


async def test_a_join_that_fails_closes_everything():
    pair = InMemoryRoom()
    pair.connect_error = JoinRefusedError("no")
    closed = []

    async def close() -> None:
        closed.append(True)

    with pytest.raises(JoinRefusedError):
        async with AvatarSession(pair.transport, close=close):
            pytest.fail("opened")
    assert closed == [True]
    assert pair.transport.closed


@pytest.mark.parametrize("steps", range(1, 12))
async def test_opening_cancelled_at_each_of_its_awaits_closes_the_session(steps):
    pair = InMemoryRoom()
    closed = []

    async def close() -> None:
        closed.append(True)

    before = asyncio.all_tasks()
    opening = asyncio.create_task(AvatarSession(pair.transport, close=close).open())
    for _ in range(steps):
        await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert closed == [True]
    assert asyncio.all_tasks() == before


async def test_waiting_for_its_end_returns_when_the_room_is_gone(scene):
    async with scene() as s:
        waiting = [asyncio.create_task(s.session.wait_closed()) for _ in range(2)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        s.pair.drop("banned")
        async with asyncio.timeout(10):
            await asyncio.gather(*waiting)
        assert s.session.closed


async def test_waiting_for_its_end_returns_when_it_is_closed_and_in_its_handlers(scene):
    async with scene() as s:
        began, ended = asyncio.Event(), asyncio.Event()

        @s.session.on(Reconnecting)
        async def wait(event):
            began.set()
            await s.session.wait_closed()
            ended.set()

        s.pair.change(ConnectionState.RECONNECTING)
        await asyncio.wait_for(began.wait(), 10)
        waiting = asyncio.create_task(s.session.wait_closed())
        await asyncio.wait_for(s.session.aclose(), 10)
        assert ended.is_set()
        await asyncio.wait_for(waiting, 10)
        await asyncio.wait_for(s.session.wait_closed(), 10)


async def test_waiting_for_the_end_of_what_is_not_open_is_refused():
    session = AvatarSession(InMemoryRoom().transport)
    with pytest.raises(ConversationClosedError, match="isn't open yet"):
        await session.wait_closed()
    await session.aclose()
