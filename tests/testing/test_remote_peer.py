"""The avatar's end of a room under test, over the in-memory room."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from akool_async.errors import DisconnectedError
from akool_async.testing import waiting
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.testing.remote_peer import RemotePeer, next_packet, the_end
from akool_async.transport import ConnectionState, JoinTarget


class Peer(RemotePeer):
    """Overrides what has to be, and no fault."""

    def __init__(self) -> None:
        self.room = InMemoryRoom()

    @property
    def target(self) -> JoinTarget:
        raise NotImplementedError

    @property
    def received(self) -> list[bytes]:
        return self.room.packets

    async def send(self, packet: bytes) -> None:
        self.room.send(packet)

    async def end(self) -> None:
        self.room.drop("room_closed")


@pytest.fixture
async def peer() -> Any:
    peer = Peer()
    await peer.room.transport.connect(timeout=5)
    yield peer
    await peer.room.transport.close(timeout=5)


@pytest.mark.parametrize("fault", ["drop", "refuse", "hang", "publish"])
async def test_a_fault_that_a_room_has_not_skips_its_test(fault: str) -> None:
    with pytest.raises(pytest.skip.Exception, match="this room"):
        await getattr(Peer(), fault)()


async def test_packets_that_arrived_are_waited_for(peer: Peer) -> None:
    waiting_ = asyncio.create_task(peer.wait_received(2))
    for packet in (b"one", b"two"):
        await peer.room.transport.send(packet, timeout=5)
    assert await waiting_ == [b"one", b"two"]


async def test_the_next_packet_comes_after_changes_of_the_connection(peer: Peer) -> None:
    peer.room.change(ConnectionState.RECONNECTING)
    await peer.send(b"packet")
    assert await next_packet(peer.room.transport) == b"packet"


async def test_the_end_comes_after_packets(peer: Peer) -> None:
    await peer.send(b"packet")
    await peer.end()
    error = await the_end(peer.room.transport)
    assert isinstance(error, DisconnectedError)
    assert error.reason == "room_closed"


def test_waiting_has_a_limit() -> None:
    assert 0 < waiting.TIMEOUT <= 60
