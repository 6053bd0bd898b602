from __future__ import annotations

import asyncio

import pytest

from akool_async.conversation import AvatarSession, ConversationOptions
from akool_async.errors import (
    ConversationClosedError,
    SessionLeftOpenError,
)
from akool_async.events import UserSpoke
from akool_async.testing.in_memory_room import InMemoryRoom


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
