import asyncio

import pytest

from akool_async.errors import DisconnectedError
from akool_async.transport import ConnectionChange, ConnectionState, TransportStats
from akool_async.transport.engines.participants import Presence


class Room:
    def __init__(self, avatar: str | None = None) -> None:
        self.stats = TransportStats()
        self.presence = Presence(self.stats, own_id="me", avatar_id=avatar)

    async def next(self) -> bytes | ConnectionChange:
        async with asyncio.timeout(1):
            return await self.presence.inbox.get()


async def test_whoever_else_is_there_is_the_avatar() -> None:
    room = Room()
    room.presence.user_joined("me")
    waiting = asyncio.create_task(room.presence.avatar_here())
    await asyncio.sleep(0)
    assert not waiting.done()
    room.presence.user_joined("7")
    await waiting
    room.presence.packet(b"a", "7")
    assert await room.next() == b"a"


async def test_a_packet_before_the_announcement_announces() -> None:
    room = Room("7")
    room.presence.packet(b"a", "7")
    await room.presence.avatar_here()
    assert await room.next() == b"a"


async def test_a_known_avatar_has_strangers_beside_it() -> None:
    room = Room("7")
    room.presence.user_joined("8")
    room.presence.packet(b"evil", "8")
    room.presence.packet(b"evil", "8")
    room.presence.packet(b"evil", "9")
    room.presence.packet(b"own echo", "me")
    room.presence.packet(b"a", "7")
    assert await room.next() == ConnectionChange(ConnectionState.STRANGER, "user 8")
    assert await room.next() == b"a"
    assert room.stats.dropped == {"stranger": 3, "own": 1}
    assert room.stats.packets_received == 1


async def test_the_avatar_leaves_and_comes_back() -> None:
    room = Room("7")
    for event in (
        room.presence.user_joined,
        room.presence.user_joined,
        room.presence.user_left,
        room.presence.user_left,
        room.presence.user_joined,
    ):
        event("7")
    room.presence.user_left("8")
    assert [(await room.next()) for _ in range(2)] == [
        ConnectionChange(ConnectionState.AVATAR_LEFT),
        ConnectionChange(ConnectionState.AVATAR_BACK),
    ]


async def test_an_avatar_that_was_not_named_may_come_back_with_another_id() -> None:
    room = Room()
    room.presence.user_joined("7")
    room.presence.user_left("7")
    room.presence.user_joined("8")
    room.presence.packet(b"a", "8")
    states = [await room.next() for _ in range(3)]
    assert states[1:] == [ConnectionChange(ConnectionState.AVATAR_BACK), b"a"]


async def test_a_break_is_told_once() -> None:
    room = Room()
    room.presence.mended()
    for words in ("the first", "the second", ""):
        room.presence.broke(words)
    room.presence.mended()
    assert await room.next() == ConnectionChange(ConnectionState.RECONNECTING, "the first")
    assert await room.next() == ConnectionChange(ConnectionState.RECONNECTED, lossy=True)


async def test_the_end_is_told_to_everybody_who_waits() -> None:
    room = Room()
    waiting = asyncio.create_task(room.presence.avatar_here())
    await asyncio.sleep(0)
    room.presence.finish(DisconnectedError("removed from the room", reason="banned"))
    room.presence.finish(DisconnectedError("joined from elsewhere", reason="same_identity"))
    with pytest.raises(DisconnectedError) as raised:
        await waiting
    assert raised.value.reason == "banned"
    with pytest.raises(DisconnectedError, match="removed"):
        await room.next()
