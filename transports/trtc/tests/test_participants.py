import asyncio

import pytest
from akool_trtc.participants import TRTCParticipants

from akool_async.errors import DisconnectedError
from akool_async.testing.waiting import TIMEOUT
from akool_async.transport import ConnectionChange, ConnectionState, TransportStats


@pytest.fixture
def tracker() -> TRTCParticipants:
    return TRTCParticipants(TransportStats(), own_id="me", avatar_id=None)


async def next_item(tracker: TRTCParticipants) -> bytes | ConnectionChange:
    async with asyncio.timeout(TIMEOUT):
        return await tracker.inbox.get()


async def test_a_break_is_reported_once_without_a_reason(tracker: TRTCParticipants) -> None:
    tracker.reconnected()
    for _ in range(3):
        tracker.reconnecting()
    tracker.reconnected()
    assert [await next_item(tracker) for _ in range(2)] == [
        ConnectionChange(ConnectionState.RECONNECTING),
        ConnectionChange(ConnectionState.RECONNECTED, lossy=True),
    ]


async def test_the_first_reason_is_the_end(tracker: TRTCParticipants) -> None:
    tracker.disconnected("banned")
    tracker.disconnected("kick")
    with pytest.raises(DisconnectedError) as raised:
        await tracker.wait_for_avatar()
    assert raised.value.reason == "banned"
    with pytest.raises(DisconnectedError, match="removed"):
        await next_item(tracker)
