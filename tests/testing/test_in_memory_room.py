from __future__ import annotations

import asyncio

import pytest

from akool_async.errors import DisconnectedError, InvalidParameterError, JoinError, SendError
from akool_async.stream.limits import AGORA, PacketLimits
from akool_async.testing.in_memory_room import InMemoryRoom, InMemoryTransport
from akool_async.transport import ConnectionChange, ConnectionState

pytestmark = pytest.mark.virtual_clock


async def connected(**options) -> InMemoryRoom:
    room = InMemoryRoom(**options)
    await room.transport.connect(timeout=1)
    return room


async def test_bytes_go_both_ways_in_order():
    room = await connected()
    for packet in (b"1", b"2"):
        await room.transport.send(packet, timeout=1)
    assert [await room.receive(), await room.receive()] == [b"1", b"2"]
    room.send(b"3")
    room.change(ConnectionState.AVATAR_LEFT, "gone")
    assert await room.transport.receive() == b"3"
    assert await room.transport.receive() == ConnectionChange(ConnectionState.AVATAR_LEFT, "gone")
    assert room.transport.stats.packets_sent == 2
    assert room.transport.stats.bytes_received == 1


async def test_receiving_nothing_ends_in_time():
    room = await connected()
    with pytest.raises(TimeoutError):
        await room.receive(timeout=0.05)


async def test_the_limits_are_enforced():
    room = await connected(limits=PacketLimits(300, 600, 3))
    with pytest.raises(SendError, match="301 bytes, 300 at most"):
        await room.transport.send(b"x" * 301, timeout=1)
    for _ in range(2):
        await room.transport.send(b"x" * 250, timeout=1)
    with pytest.raises(SendError, match="over 600 bytes per second"):
        await room.transport.send(b"x" * 101, timeout=1)
    await room.transport.send(b"x", timeout=1)
    with pytest.raises(SendError, match="over 3 packets per second"):
        await room.transport.send(b"x", timeout=1)
    assert room.refused == 3


async def test_the_network_loses_doubles_and_reorders_repeatably():
    arrived = []
    for _ in range(2):
        room = await connected(loss=0.3, double=0.3, reorder=0.5, reorder_delay=0.01, seed=4)
        for number in range(100):
            room.send(bytes([number]))
        await asyncio.sleep(0.1)
        got = []
        while room.transport.stats.packets_received > len(got):
            got.append(await room.transport.receive())
        arrived.append(sorted(got))
        assert got != sorted(got)
        assert len(set(got)) < 100 < len(got) + 40
        assert len(got) > len(set(got))
    assert arrived[0] == arrived[1]


async def test_silence_and_its_end():
    room = await connected()
    room.silent = True
    await room.transport.send(b"lost", timeout=1)
    room.send(b"lost")
    await room.transport.reconnect(timeout=1)
    assert (await room.transport.receive()).state is ConnectionState.RECONNECTING
    assert (await room.transport.receive()).lossy
    await room.transport.send(b"heard", timeout=1)
    assert await room.receive() == b"heard"
    room.can_reconnect = False
    with pytest.raises(DisconnectedError):
        await room.transport.reconnect(timeout=1)


async def test_dropped_closed_stuck_and_never_connected():
    room = InMemoryRoom()
    with pytest.raises(DisconnectedError, match="isn't connected"):
        await room.transport.send(b"x", timeout=1)
    room.connect_error = JoinError("no")
    with pytest.raises(JoinError):
        await room.transport.connect(timeout=1)
    room = await connected()
    room.stuck = True
    with pytest.raises(SendError, match=r"took no packet within 0\.01 s"):
        await room.transport.send(b"x", timeout=0.01)
    room.stuck = False
    room.drop("banned")
    for call in (room.transport.send(b"x", timeout=1), room.transport.receive()):
        with pytest.raises(DisconnectedError) as caught:
            await call
        assert caught.value.reason == "banned"
    room = await connected(limits=AGORA)
    await room.transport.close()
    await room.transport.close()
    with pytest.raises(DisconnectedError):
        await room.transport.receive()


def test_its_options():
    InMemoryTransport.preflight({"room": None})
    with pytest.raises(InvalidParameterError, match="takes no such option"):
        InMemoryTransport.preflight({"other": 1})


async def test_what_the_avatar_publishes():
    room = InMemoryRoom()
    assert room.transport.avatar_publishing is None
    room.publish()
    await room.transport.connect(timeout=1)
    assert room.transport.avatar_publishing is True
    room.publish(on=False)
    assert room.transport.avatar_publishing is False
    for _ in range(2):
        room.publish()
    room.send(b"next")
    assert await room.transport.receive() == ConnectionChange(ConnectionState.AVATAR_PUBLISHED)
    assert await room.transport.receive() == b"next"
