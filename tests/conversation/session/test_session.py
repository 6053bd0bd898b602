from __future__ import annotations

import asyncio
import json
import logging

import pytest

from akool_async.conversation import AvatarSession, ConversationOptions
from akool_async.errors import (
    ConversationClosedError,
    JoinRefusedError,
    SessionLeftOpenError,
)
from akool_async.events import Reconnecting, UserSpoke
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


async def test_closing_closes_room_and_session_and_ends_what_waits():
    pair = InMemoryRoom()
    closed = []

    async def close() -> None:
        closed.append(True)

    session = AvatarSession(
        pair.transport, options=ConversationOptions(opening_timeout=0.1), close=close
    )
    await session.open()
    waiting = asyncio.create_task(session.ask("anybody?"))
    await asyncio.sleep(0)
    await session.aclose()
    await session.aclose()
    assert closed == [True]
    assert pair.transport.closed
    with pytest.raises(ConversationClosedError):
        await waiting
    with pytest.raises(ConversationClosedError):
        await session.ask("more?")


async def test_closing_goes_on_when_cancelled_twice(scene):
    pair = InMemoryRoom()
    gate, started, closed = asyncio.Event(), asyncio.Event(), []

    async def close() -> None:
        started.set()
        await gate.wait()
        closed.append(True)

    session = AvatarSession(
        pair.transport, options=ConversationOptions(opening_timeout=0.1), close=close
    )

    async def use() -> None:
        async with session:
            await asyncio.sleep(60)

    task = asyncio.create_task(use())
    while not session.transcript and not pair.packets:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    task.cancel()
    await started.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == [True]
    assert pair.transport.closed


async def test_closing_is_bounded_in_time(caplog):
    pair = InMemoryRoom()

    async def close() -> None:
        await asyncio.sleep(3600)

    session = AvatarSession(
        pair.transport,
        options=ConversationOptions(
            opening_timeout=0.1, close_timeout=0.2, session_close_timeout=0.1
        ),
        close=close,
    )
    with pytest.raises(SessionLeftOpenError, match=r"closing it took longer than 5\.3 s"):
        async with asyncio.timeout(10), session:
            pass
    assert "closing it took longer than 5.3 s" in caplog.text


async def test_the_room_is_left_before_the_session_is_closed():
    pair = InMemoryRoom()
    left = []

    async def slow_leaving(*, timeout: float) -> None:
        await asyncio.sleep(0.01)
        await leave(timeout=timeout)

    async def close() -> None:
        left.append(pair.transport.closed)

    leave, pair.transport.close = pair.transport.close, slow_leaving
    async with AvatarSession(
        pair.transport, options=ConversationOptions(opening_timeout=0.1), close=close
    ):
        pass
    assert left == [True]


@pytest.mark.parametrize("close_timeout", [0.1, 8.0])
async def test_a_room_that_cannot_be_left_does_not_keep_the_session_open(close_timeout, caplog):
    pair = InMemoryRoom()
    closed = asyncio.Event()
    left = asyncio.Event()

    async def hung_leaving(*, timeout: float) -> None:
        await left.wait()

    async def close() -> None:
        closed.set()

    pair.transport.close = hung_leaving
    options = ConversationOptions(opening_timeout=0.1, close_timeout=close_timeout)
    session = AvatarSession(pair.transport, options=options, close=close)
    await session.open()
    closing = asyncio.create_task(session.aclose())
    async with asyncio.timeout(4):
        await closed.wait()
    left.set()
    await closing
    assert "closing the session" not in caplog.text


async def test_a_handler_and_a_responder_may_close_the_session(scene):
    async with scene() as s:

        @s.session.on(UserSpoke)
        async def end(event: UserSpoke) -> None:
            await s.session.aclose()

        s.robot.reply("u1", "goodbye", sender="user")
        async with asyncio.timeout(1.5):
            await s.robot.until(lambda: s.pair.transport.closed)
            await s.session.aclose()

    async with scene() as s:

        async def answer(turn):
            await s.session.aclose()

        await s.session.respond_with(answer)
        s.robot.reply("u1", "goodbye", sender="user")
        async with asyncio.timeout(1.5):
            await s.robot.until(lambda: s.pair.transport.closed)
            await s.session.aclose()
