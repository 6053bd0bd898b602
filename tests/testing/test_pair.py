from __future__ import annotations

import asyncio

import pytest

from akool_async.errors import DisconnectedError, InvalidParameterError, JoinError, SendError
from akool_async.stream.limits import AGORA, PacketLimits
from akool_async.testing.pair import Pair, PairTransport
from akool_async.transport import ConnectionChange, ConnectionState


async def connected(**options) -> Pair:
    pair = Pair(**options)
    await pair.transport.connect(timeout=1)
    return pair


async def test_bytes_go_both_ways_in_order():
    pair = await connected()
    for packet in (b"1", b"2"):
        await pair.transport.send(packet, timeout=1)
    assert [await pair.receive(), await pair.receive()] == [b"1", b"2"]
    pair.send(b"3")
    pair.change(ConnectionState.AVATAR_LEFT, "gone")
    assert await pair.transport.receive() == b"3"
    assert await pair.transport.receive() == ConnectionChange(ConnectionState.AVATAR_LEFT, "gone")
    assert pair.transport.stats.packets_sent == 2
    assert pair.transport.stats.bytes_received == 1


async def test_receiving_nothing_ends_in_time():
    pair = await connected()
    with pytest.raises(TimeoutError):
        await pair.receive(timeout=0.05)


async def test_the_limits_are_enforced():
    pair = await connected(limits=PacketLimits(300, 600, 3))
    with pytest.raises(SendError, match="301 bytes, 300 at most"):
        await pair.transport.send(b"x" * 301, timeout=1)
    for _ in range(2):
        await pair.transport.send(b"x" * 250, timeout=1)
    with pytest.raises(SendError, match="over 600 bytes per second"):
        await pair.transport.send(b"x" * 101, timeout=1)
    await pair.transport.send(b"x", timeout=1)
    with pytest.raises(SendError, match="over 3 packets per second"):
        await pair.transport.send(b"x", timeout=1)
    assert pair.refused == 3


async def test_the_network_loses_doubles_and_reorders_repeatably():
    arrived = []
    for _ in range(2):
        pair = await connected(loss=0.3, double=0.3, reorder=0.5, reorder_delay=0.01, seed=4)
        for number in range(100):
            pair.send(bytes([number]))
        await asyncio.sleep(0.1)
        got = []
        while pair.transport.stats.packets_received > len(got):
            got.append(await pair.transport.receive())
        arrived.append(sorted(got))
        assert got != sorted(got)
        assert len(set(got)) < 100 < len(got) + 40
        assert len(got) > len(set(got))
    assert arrived[0] == arrived[1]


async def test_silence_and_its_end():
    pair = await connected()
    pair.silent = True
    await pair.transport.send(b"lost", timeout=1)
    pair.send(b"lost")
    await pair.transport.reconnect(timeout=1)
    assert (await pair.transport.receive()).state is ConnectionState.RECONNECTING
    assert (await pair.transport.receive()).lossy
    await pair.transport.send(b"heard", timeout=1)
    assert await pair.receive() == b"heard"
    pair.can_reconnect = False
    with pytest.raises(DisconnectedError):
        await pair.transport.reconnect(timeout=1)


async def test_dropped_closed_stuck_and_never_connected():
    pair = Pair()
    with pytest.raises(DisconnectedError, match="isn't connected"):
        await pair.transport.send(b"x", timeout=1)
    pair.connect_error = JoinError("no")
    with pytest.raises(JoinError):
        await pair.transport.connect(timeout=1)
    pair = await connected()
    pair.stuck = True
    with pytest.raises(SendError, match=r"took no packet within 0\.01 s"):
        await pair.transport.send(b"x", timeout=0.01)
    pair.stuck = False
    pair.drop("banned")
    for call in (pair.transport.send(b"x", timeout=1), pair.transport.receive()):
        with pytest.raises(DisconnectedError) as caught:
            await call
        assert caught.value.reason == "banned"
    pair = await connected(limits=AGORA)
    await pair.transport.close()
    await pair.transport.close()
    with pytest.raises(DisconnectedError):
        await pair.transport.receive()


def test_its_options():
    PairTransport.preflight({"pair": None})
    with pytest.raises(InvalidParameterError, match="takes no such option"):
        PairTransport.preflight({"other": 1})
