import asyncio

import pytest
from akool_agora.participants import AgoraParticipants

from akool_async.errors import DisconnectedError
from akool_async.testing.waiting import TIMEOUT
from akool_async.transport import ConnectionChange, ConnectionState, TransportStats


class Room:
    def __init__(self) -> None:
        self.expiring: list[float | None] = []
        self.tracker = AgoraParticipants(
            TransportStats(),
            own_id="1",
            avatar_id=None,
            token_will_expire=self.expiring.append,
        )

    async def next(self) -> bytes | ConnectionChange:
        async with asyncio.timeout(TIMEOUT):
            return await self.tracker.inbox.get()


@pytest.mark.parametrize(
    ("reason", "words"), [(2, "the connection was interrupted"), (77, "Agora's reason 77")]
)
async def test_a_break_is_reported_once_with_its_reason(reason: int, words: str) -> None:
    room = Room()
    room.tracker.reconnected(15)
    for code in (reason, 2, 16):
        room.tracker.reconnecting(code)
    room.tracker.reconnected(15)
    assert [await room.next() for _ in range(2)] == [
        ConnectionChange(ConnectionState.RECONNECTING, words),
        ConnectionChange(ConnectionState.RECONNECTED, lossy=True),
    ]


async def test_the_first_reason_is_the_end() -> None:
    room = Room()
    room.tracker.disconnected(3)
    room.tracker.disconnected(19)
    with pytest.raises(DisconnectedError) as raised:
        await room.tracker.wait_for_avatar()
    assert raised.value.reason == "banned"
    with pytest.raises(DisconnectedError, match="banned"):
        await room.next()


async def test_an_expiring_token_is_an_event_and_a_call() -> None:
    room = Room()
    room.tracker.token_will_expire(30.0)
    assert room.expiring == [30.0]
    assert await room.next() == ConnectionChange(ConnectionState.TOKEN_EXPIRING, seconds_left=30.0)
