import asyncio

import pytest

from akool_async.errors import DisconnectedError
from akool_async.transport import ConnectionChange, ConnectionState, Inbox, TransportStats

GONE = DisconnectedError("the room is gone", reason="room_closed", retryable=True)


async def test_hands_out_in_order_packets_and_changes_alike() -> None:
    stats = TransportStats()
    inbox = Inbox(stats)
    change = ConnectionChange(ConnectionState.RECONNECTING)
    for item in (b"a", change, b"bc"):
        inbox.put(item)
    assert [await inbox.get() for _ in range(3)] == [b"a", change, b"bc"]
    assert (stats.packets_received, stats.bytes_received) == (2, 3)


async def test_wakes_a_waiting_reader() -> None:
    inbox = Inbox(TransportStats())
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put(b"late")
    assert await reader == b"late"


async def test_cancelled_reader_loses_nothing() -> None:
    inbox = Inbox(TransportStats())
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put(b"kept")  # the reader is awake, and cancelled before it runs
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await inbox.get() == b"kept"


async def test_full_drops_the_oldest_packets_never_changes() -> None:
    stats = TransportStats()
    inbox = Inbox(stats, max_packets=2)
    change = ConnectionChange(ConnectionState.AVATAR_LEFT)
    for item in (change, b"1", b"2", b"3"):
        inbox.put(item)
    assert [await inbox.get() for _ in range(3)] == [change, b"2", b"3"]
    assert stats.dropped == {"overflow": 1}
    assert stats.packets_received == 3


async def test_is_bounded_in_bytes_but_keeps_one_packet_of_any_size() -> None:
    stats = TransportStats()
    inbox = Inbox(stats, max_bytes=10)
    inbox.put(b"x" * 8)
    inbox.put(b"y" * 20)
    assert await inbox.get() == b"y" * 20
    assert stats.dropped == {"overflow": 1}


async def test_finished_hands_out_the_rest_then_raises_again_and_again() -> None:
    inbox = Inbox(TransportStats())
    inbox.put(b"last")
    assert inbox.error is None
    inbox.finish(GONE)
    inbox.finish(DisconnectedError("later", reason="closed"))
    inbox.put(b"too late")
    assert inbox.finished
    assert inbox.error is GONE
    assert await inbox.get() == b"last"
    raised = []
    for _ in range(2):
        with pytest.raises(DisconnectedError, match="the room is gone") as caught:
            await inbox.get()
        raised.append(caught.value)
    assert raised[0] is not raised[1]
    assert [(e.reason, e.retryable) for e in raised] == [("room_closed", True)] * 2


async def test_finish_wakes_a_waiting_reader() -> None:
    inbox = Inbox(TransportStats())
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.finish(GONE)
    with pytest.raises(DisconnectedError):
        await reader


async def test_refuses_a_second_reader() -> None:
    inbox = Inbox(TransportStats())
    reader = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="already awaited"):
        await inbox.get()
    inbox.put(b"one")
    assert await reader == b"one"
