import asyncio

import pytest
from akool_trtc.participants import Presence

from akool_async.errors import DisconnectedError
from akool_async.transport import ConnectionChange, ConnectionState, TransportStats


@pytest.fixture
def presence() -> Presence:
    return Presence(TransportStats(), own_id="me", avatar_id=None)


async def next_item(presence: Presence) -> bytes | ConnectionChange:
    async with asyncio.timeout(1):
        return await presence.inbox.get()


async def test_a_break_is_told_once_without_a_reason(presence: Presence) -> None:
    presence.reconnected()
    for _ in range(3):
        presence.reconnecting()
    presence.reconnected()
    assert [await next_item(presence) for _ in range(2)] == [
        ConnectionChange(ConnectionState.RECONNECTING),
        ConnectionChange(ConnectionState.RECONNECTED, lossy=True),
    ]


async def test_the_first_reason_is_the_end(presence: Presence) -> None:
    presence.disconnected("banned")
    presence.disconnected("kick")
    with pytest.raises(DisconnectedError) as raised:
        await presence.avatar_here()
    assert raised.value.reason == "banned"
    with pytest.raises(DisconnectedError, match="removed"):
        await next_item(presence)
