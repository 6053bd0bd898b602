"""TRTC's own; what every relay engine does is in `tests/transport/test_relay.py`."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from akool_trtc import EngineError, Room
from akool_trtc.loopback import LoopbackEngine
from loopback_peer import LoopbackPeer, RecordedEvents, in_room, loopback_room


@pytest_asyncio.fixture
async def far() -> AsyncIterator[LoopbackPeer]:
    async with loopback_room("trtc") as room:
        yield room


@pytest_asyncio.fixture
async def engine(far: LoopbackPeer) -> AsyncIterator[LoopbackEngine]:
    room = Room(
        far.access["trtc_app_id"],
        far.access["trtc_room_id"],
        far.access["trtc_user_id"],
        far.access["trtc_user_sig"],
    )
    async with in_room(LoopbackEngine(far.room.base_url), room, RecordedEvents()) as engine:
        yield engine


async def test_a_packet_on_its_way_when_the_connection_breaks(
    far: LoopbackPeer, engine: LoopbackEngine
) -> None:
    sending = asyncio.create_task(engine.send(b"1"))
    await asyncio.sleep(0)
    await far.room.fault("drop_socket", refuse_for=0.1)
    with pytest.raises(EngineError) as raised:
        await sending
    assert raised.value.code == 5500


async def test_the_relay_refuses_what_the_vendor_would(engine: LoopbackEngine) -> None:
    for packet, code in ((b"", 5000), (b"x" * 1001, 5000)):
        with pytest.raises(EngineError) as raised:
            await engine.send(packet)
        assert raised.value.code == code
    for _ in range(8):
        await engine.send(b"x" * 1000)
    with pytest.raises(EngineError) as raised:
        await engine.send(b"x" * 1000)
    assert raised.value.code == 5100
