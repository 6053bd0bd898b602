"""Agora's own; what every relay engine does is in `tests/transport/test_relay.py`."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from akool_agora import EngineError, Room
from akool_agora.loopback import LoopbackEngine
from loopback_peer import LoopbackPeer, RecordedEvents, in_room, loopback_room


@pytest_asyncio.fixture
async def far() -> AsyncIterator[LoopbackPeer]:
    async with loopback_room("agora") as room:
        yield room


@pytest_asyncio.fixture
async def engine(far: LoopbackPeer) -> AsyncIterator[LoopbackEngine]:
    room = Room(
        far.access["agora_app_id"],
        far.access["agora_channel"],
        far.access["agora_uid"],
        far.access["agora_token"],
    )
    async with in_room(LoopbackEngine(far.room.base_url), room, RecordedEvents()) as engine:
        yield engine


async def test_a_packet_on_its_way_when_the_connection_breaks(
    far: LoopbackPeer, engine: LoopbackEngine
) -> None:
    sending = asyncio.create_task(engine.send(b"1"))
    await asyncio.sleep(0)
    await far.room.fault("drop_socket", refuse_for=0.1)
    await sending  # the SDK had taken it; on an unreliable stream that is all there is to say


async def test_the_relay_refuses_what_the_vendor_would(engine: LoopbackEngine) -> None:
    for packet, code in ((b"", -2), (b"x" * 1025, -114)):
        with pytest.raises(EngineError) as raised:
            await engine.send(packet)
        assert raised.value.code == code
    for _ in range(6):
        await engine.send(b"x" * 1024)
    with pytest.raises(EngineError) as raised:
        await engine.send(b"x" * 1000)
    assert raised.value.code == -115
