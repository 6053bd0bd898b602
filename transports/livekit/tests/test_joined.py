"""A room that the program has joined by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from akool_livekit import JoinedRoomTransport
from livekit import rtc
from livekit_peer import SimulatedPeer

from akool_async.errors import (
    AvatarAbsentError,
    DisconnectedError,
    InvalidParameterError,
    MessageTooLargeError,
)
from akool_async.testing.conformance import TIMEOUT, next_packet, until
from akool_async.transport import JoinTarget


@pytest_asyncio.fixture
async def joined(room: SimulatedPeer) -> AsyncIterator[rtc.Room]:
    token = room.credentials.livekit_token
    assert token is not None
    own = rtc.Room()
    options = rtc.RoomOptions(auto_subscribe=False)
    await own.connect(room.credentials.livekit_url, token.get_secret_value(), options)
    yield own
    await own.disconnect()


async def test_packets_in_both_directions(room: SimulatedPeer, joined: rtc.Room) -> None:
    transport = JoinedRoomTransport(room.target, {"room": joined})
    await transport.connect(timeout=TIMEOUT)
    await transport.send(b"to the avatar", timeout=TIMEOUT)
    await until(lambda: room.received == [b"to the avatar"])
    await room.send(b"from the avatar")
    assert await next_packet(transport) == b"from the avatar"
    assert (transport.stats.packets_sent, transport.stats.bytes_sent) == (1, 13)
    with pytest.raises(MessageTooLargeError):
        await transport.send(bytes(15_001), timeout=TIMEOUT)
    await transport.close()
    await transport.close()
    assert joined.isconnected()
    with pytest.raises(DisconnectedError):
        await transport.send(b"late", timeout=TIMEOUT)


async def test_the_program_leaves_the_room(room: SimulatedPeer, joined: rtc.Room) -> None:
    transport = JoinedRoomTransport(room.target, {"room": joined})
    await transport.connect(timeout=TIMEOUT)
    await joined.disconnect()
    async with asyncio.timeout(TIMEOUT):
        with pytest.raises(DisconnectedError) as caught:
            while True:
                await transport.receive()
    assert caught.value.reason == "closed"
    await transport.close()


async def test_an_avatar_that_does_not_come(room: SimulatedPeer, joined: rtc.Room) -> None:
    other = room.credentials.model_copy(update={"livekit_server_identity": "another"})
    transport = JoinedRoomTransport(JoinTarget(other), {"room": joined})
    with pytest.raises(AvatarAbsentError, match="another"):
        await transport.connect(timeout=0.2)
    assert joined.isconnected()


async def test_only_a_connected_room_will_do(room: SimulatedPeer) -> None:
    for wrong in (None, "a room", rtc.Room()):
        with pytest.raises(InvalidParameterError, match="connected"):
            JoinedRoomTransport.preflight({"room": wrong})
    with pytest.raises(InvalidParameterError, match="unknown"):
        JoinedRoomTransport.preflight({"unknown": 1})
