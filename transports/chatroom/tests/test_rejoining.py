"""A chat room is joined again after a drop, and left where the server stops reading."""

from __future__ import annotations

import asyncio

import pytest

from akool_async.errors import DisconnectedError, SendError
from akool_async.transport import ConnectionState

RECONNECTING = ConnectionState.RECONNECTING
RECONNECTED = ConnectionState.RECONNECTED


class TestJoiningAgain:
    async def test_goes_on_trying_while_the_server_is_not_ready(self, kit, joined, room):
        transport, theirs = joined
        room.answers = [503, 500, 429]
        theirs.transport.abort()
        await kit.change(transport, RECONNECTING)
        await kit.change(transport, RECONNECTED)
        assert room.tries == 5

    async def test_a_server_that_is_back_later(self, kit):
        async with kit.open_room() as room:
            port = room.port
            transport, _ = await room.member()
        await kit.change(transport, RECONNECTING)
        async with kit.open_room(port=port) as room:
            await kit.change(transport, RECONNECTED)
            await transport.send(b"here", timeout=20)
            assert await (await room.joined()).recv() == "here"
            await transport.close()

    @pytest.mark.parametrize("status", [401, 403, 404, 410])
    async def test_a_room_that_does_not_let_us_in_is_over(self, kit, joined, room, status):
        transport, theirs = joined
        room.answers = [status]
        theirs.transport.abort()
        await kit.change(transport, RECONNECTING)
        error = await kit.end(transport)
        assert error.reason == "room_closed"
        assert f"HTTP {status}" in str(error)

    async def test_gives_up_after_the_set_time(self, kit):
        async with kit.open_room() as room:
            transport, _ = await room.member(reconnect_timeout=0.3)
        change = await kit.change(transport, RECONNECTING)
        waiting = asyncio.create_task(transport.send(b"waits", timeout=20))
        error = await kit.end(transport)
        assert error.reason == "connection_lost"
        assert "not joined again within 0.3 s" in str(error)
        assert "no connection" in str(error)  # what the last try met
        assert change.reason in str(error)
        with pytest.raises(DisconnectedError) as caught:
            await waiting
        assert str(caught.value) == str(error)
        await transport.close()

    async def test_a_silent_server_uses_up_the_time(self, kit, room, silent_port):
        transport, theirs = await room.member(reconnect_timeout=0.3, open_timeout=0.1)
        transport._address = type(transport._address)(f"ws://127.0.0.1:{silent_port}{kit.path}")
        theirs.transport.abort()
        await kit.change(transport, RECONNECTING)
        assert "didn't let us in" in str(await kit.end(transport))
        await transport.close()

    async def test_not_at_all_where_so_set(self, kit, room):
        transport, theirs = await room.member(reconnect_timeout=0)
        theirs.transport.abort()
        assert (await kit.end(transport)).reason == "connection_lost"
        assert room.tries == 1
        await transport.close()

    async def test_a_server_that_drops_everybody_at_once_is_given_up(self, kit, room):
        async def drop_all() -> None:
            while True:
                (await room.joins.get()).transport.abort()

        transport, theirs = await room.member(reconnect_timeout=0.5, reconnect_delay=0.05)
        dropper = asyncio.create_task(drop_all())
        theirs.transport.abort()
        with pytest.raises(DisconnectedError):
            while True:
                await kit.take(transport)
        assert room.tries > 2
        dropper.cancel()
        await asyncio.wait([dropper])
        await transport.close()

    async def test_a_send_meanwhile_waits_and_goes_out_once(self, kit, joined, room):
        transport, theirs = joined
        room.answers = [503, 503]
        theirs.transport.abort()
        await kit.change(transport, RECONNECTING)
        await transport.send(b"late", timeout=20)
        again = await room.joined()
        await transport.send(b"later", timeout=20)
        assert [await again.recv(), await again.recv()] == ["late", "later"]

    async def test_a_send_meanwhile_has_its_time_limit(self, kit):
        async with kit.open_room() as room:
            transport, _ = await room.member()
        await kit.change(transport, RECONNECTING)
        with pytest.raises(SendError, match=r"within 0\.05 s") as caught:
            await transport.send(b"x", timeout=0.05)
        assert caught.value.retryable
        await transport.close()

    async def test_asked_for(self, kit, joined, room):
        transport, theirs = joined
        await transport.reconnect(timeout=20)
        await kit.change(transport, RECONNECTING)
        await kit.change(transport, RECONNECTED)
        await transport.send(b"new", timeout=20)
        assert await (await room.joined()).recv() == "new"
        await kit.until(lambda: theirs.close_code is not None)

    async def test_asked_for_and_failed_is_the_end(self, kit):
        async with kit.open_room() as room:
            transport, _ = await room.member()
        await kit.change(transport, RECONNECTING)
        with pytest.raises(DisconnectedError, match=r"again within 0\.2 s"):
            await transport.reconnect(timeout=0.2)
        assert (await kit.end(transport)).reason == "connection_lost"
        await transport.close()


class TestServerThatStopsReading:
    """websockets' own keep-alive hangs behind full buffers; ours doesn't rely on it."""

    @staticmethod
    async def fill(transport) -> None:
        with pytest.raises(SendError, match="didn't take a packet") as caught:
            while True:
                await transport.send(b"x" * 65536, timeout=0.2)
        assert caught.value.retryable

    async def test_send_is_bounded_and_so_is_what_it_leaves_behind(self, room):
        transport, theirs = await room.member(ping_timeout=60)
        theirs.transport.pause_reading()
        await self.fill(transport)
        unsent = transport._connection.unsent
        for _ in range(3):
            with pytest.raises(SendError):
                await transport.send(b"x" * 65536, timeout=0.05)
        assert transport._connection.unsent < unsent + 1000  # only pings were added
        await transport.close(timeout=0.1)

    async def test_close_is_bounded(self, room):
        transport, theirs = await room.member(ping_timeout=60)
        theirs.transport.pause_reading()
        await self.fill(transport)
        async with asyncio.timeout(20):
            await transport.close(timeout=0.1)
        with pytest.raises(DisconnectedError) as caught:
            await transport.receive()
        assert caught.value.reason == "closed"

    async def test_its_connection_is_dropped_and_made_again(self, kit, room):
        transport, theirs = await room.member(ping_timeout=0.3)
        theirs.transport.pause_reading()
        await self.fill(transport)
        await kit.change(transport, RECONNECTING)
        await kit.change(transport, RECONNECTED)
        again = await room.joined()
        await transport.send(b"here", timeout=20)
        assert await again.recv() == "here"
        await transport.close()

    async def test_a_server_that_reads_on_is_kept(self, kit, room):
        transport, theirs = await room.member(ping_timeout=60)
        theirs.transport.pause_reading()
        await self.fill(transport)
        theirs.transport.resume_reading()
        reader = asyncio.create_task(self.read_until(theirs, "end"))
        await transport.send(b"end", timeout=20)
        await asyncio.wait_for(reader, 20)
        assert not transport._stall.watches(transport._connection)
        assert room.tries == 1
        await transport.close()

    @staticmethod
    async def read_until(theirs, last: str) -> None:
        while await theirs.recv() != last:
            pass
