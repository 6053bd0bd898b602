import asyncio

import pytest
from akool_agora.presence import Presence

from akool_async.errors import DisconnectedError
from akool_async.transport import ConnectionChange, ConnectionState, TransportStats


class Room:
    def __init__(self, avatar: str | None = None) -> None:
        self.stats = TransportStats()
        self.expiring: list[float | None] = []
        self.presence = Presence(
            self.stats,
            own_id="1",
            avatar_id=avatar,
            token_will_expire=self.expiring.append,
        )

    async def next(self) -> bytes | ConnectionChange:
        async with asyncio.timeout(1):
            return await self.presence.inbox.get()


async def test_whoever_else_is_there_is_the_avatar() -> None:
    room = Room()
    room.presence.user_joined("1")
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
    room.presence.packet(b"own echo", "1")
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


async def test_an_avatar_that_was_not_named_may_come_back_with_another_uid() -> None:
    room = Room()
    room.presence.user_joined("7")
    room.presence.user_left("7")
    room.presence.user_joined("8")
    room.presence.packet(b"a", "8")
    states = [await room.next() for _ in range(3)]
    assert states[1:] == [ConnectionChange(ConnectionState.AVATAR_BACK), b"a"]


async def test_a_break_is_told_once() -> None:
    room = Room()
    room.presence.reconnected(15)
    for reason in (2, 2, 16):
        room.presence.reconnecting(reason)
    room.presence.reconnected(15)
    assert await room.next() == ConnectionChange(
        ConnectionState.RECONNECTING, "the connection was interrupted"
    )
    assert await room.next() == ConnectionChange(ConnectionState.RECONNECTED, lossy=True)


async def test_the_end_is_told_to_everybody_who_waits() -> None:
    room = Room()
    waiting = asyncio.create_task(room.presence.avatar_here())
    await asyncio.sleep(0)
    room.presence.disconnected(3)
    room.presence.disconnected(19)
    with pytest.raises(DisconnectedError) as raised:
        await waiting
    assert raised.value.reason == "banned"
    with pytest.raises(DisconnectedError, match="banned"):
        await room.next()


async def test_an_expiring_token_is_an_event_and_a_call() -> None:
    room = Room()
    room.presence.token_will_expire(30.0)
    assert room.expiring == [30.0]
    assert await room.next() == ConnectionChange(ConnectionState.TOKEN_EXPIRING, seconds_left=30.0)
