from __future__ import annotations

import asyncio

import pytest

from akool_async.errors import DisconnectedError, SendError
from akool_async.stream.limits import AGORA
from akool_async.testing.in_memory_room import InMemoryRoom


async def test_without_room_in_time_it_fails(scene):
    async with scene(InMemoryRoom(limits=AGORA), waiting_bytes=1000) as s:
        first = asyncio.create_task(s.session.ask("a" * 50_000))
        await s.robot.until(lambda: len(s.pair.packets) > 2)
        with pytest.raises(SendError, match=r"didn't get fewer than 1000 within 0\.1 s"):
            await s.session.ask("b", timeout=0.1)
        first.cancel()


async def test_waiting_for_room_ends_when_the_room_does(scene):
    async with scene(InMemoryRoom(limits=AGORA), waiting_bytes=1000) as s:
        first = asyncio.create_task(s.session.ask("a" * 50_000))
        await s.robot.until(lambda: len(s.pair.packets) > 2)
        second = asyncio.create_task(s.session.ask("b"))
        await asyncio.sleep(0.05)
        s.pair.drop("banned")
        async with asyncio.timeout(5):
            for task in (first, second):
                with pytest.raises(DisconnectedError):
                    await task


async def test_a_question_that_is_not_taken_fails_and_the_rest_of_it_is_dropped(scene):
    async with scene(send_timeout=0.05) as s:
        s.pair.stuck = True
        with pytest.raises(SendError, match="took no packet"):
            await s.session.ask("a" * 50_000)
        s.pair.stuck = False
        s.robot.on_chat = lambda mid, text: s.robot.reply(mid, "Yes.")
        assert (await s.session.ask("again")).text == "Yes."
        assert [text for _, text in s.robot.chats] == ["again"]


async def test_a_command_that_is_not_taken_is_sent_again(scene):
    async with scene(send_timeout=0.05, command_resend=0.1) as s:
        s.pair.stuck = True
        setting = asyncio.create_task(s.session.set_params(language="fr"))
        await asyncio.sleep(0.2)
        s.pair.stuck = False
        await setting


async def test_cancelled_before_it_left_a_question_is_taken_back(scene):
    async with scene(InMemoryRoom(limits=AGORA)) as s:
        long = asyncio.create_task(s.session.ask("a" * 20_000))
        await s.robot.until(lambda: len(s.pair.packets) > 4)
        waiting = asyncio.create_task(s.session.ask("never mind"))
        await asyncio.sleep(0)
        waiting.cancel()
        long.cancel()
        await asyncio.sleep(0.5)
        assert s.robot.chats == []
        assert [e.text[:1] for e in s.session.transcript] == ["a"]


async def test_a_transport_that_breaks_its_contract_ends_the_session(scene):
    async with scene() as s:

        async def broken(packet: bytes, *, timeout: float) -> None:
            raise RuntimeError("not in the contract")

        s.pair.transport.send = broken
        with pytest.raises(DisconnectedError, match="sending failed: RuntimeError") as caught:
            await s.session.ask("hello?")
        assert caught.value.reason == "failed"


async def test_a_transport_that_cannot_receive_ends_the_session(scene):
    pair = InMemoryRoom()

    async def broken() -> bytes:
        raise RuntimeError("not in the contract")

    async with scene(pair) as s:
        pair.transport.receive = broken
        asking = asyncio.create_task(s.session.ask("hello?"))
        await s.robot.until(lambda: s.robot.chats)
        s.robot.send(type="event", mid="", pld={"event": "audio_start"})
        with pytest.raises(DisconnectedError, match="receiving failed"):
            await asking
