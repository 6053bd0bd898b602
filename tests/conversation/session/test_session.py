from __future__ import annotations

import asyncio
import json
import logging

import pytest

from akool_async.conversation import AvatarSession, ConversationOptions
from akool_async.errors import (
    JoinRefusedError,
)
from akool_async.testing.in_memory_room import InMemoryRoom


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
