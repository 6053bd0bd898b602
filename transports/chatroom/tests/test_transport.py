"""What the room does to a connection, and what the transport makes of it."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
from akool_chatroom import ChatRoomTransport
from websockets.exceptions import ConnectionClosed

from akool_async.errors import (
    DisconnectedError,
    InvalidParameterError,
    JoinError,
    JoinTimeoutError,
    SendError,
)
from akool_async.models.credentials import LiveKitCredentials
from akool_async.transport import ConnectionState, JoinTarget, load_transport

RECONNECTING = ConnectionState.RECONNECTING
RECONNECTED = ConnectionState.RECONNECTED


def test_is_found_by_its_name():
    assert load_transport("chatroom") is ChatRoomTransport


def test_credentials_of_another_kind():
    target = JoinTarget(LiveKitCredentials(livekit_url="wss://a.example"))
    with pytest.raises(InvalidParameterError, match="are for livekit"):
        ChatRoomTransport(target, {})


async def test_declares_ids_dialect_and_limits(room):
    transport = room.transport()
    assert (transport.own_id, transport.peer_id) == ("client_8898", "server_8898")
    assert transport.dialect == "v3"
    assert transport.limits.max_bytes == 65536


class TestFrames:
    async def test_packets_are_text_frames_both_ways(self, kit, joined):
        transport, theirs = joined
        await transport.send('{"n":"é"}'.encode(), timeout=20)
        assert await theirs.recv() == '{"n":"é"}'
        await theirs.send('{"m":"ü"}')
        assert await kit.take(transport) == '{"m":"ü"}'.encode()
        assert transport.stats.packets_sent == transport.stats.packets_received == 1
        assert transport.stats.bytes_sent == transport.stats.bytes_received == 10

    async def test_compression_is_off(self, joined):
        _, theirs = joined
        assert "Sec-WebSocket-Extensions" not in theirs.request.headers

    async def test_fragments_are_one_packet(self, kit, joined):
        transport, theirs = joined
        await theirs.send(["one ", "two ", "", "three"])
        await theirs.send([b"\x00", b"\x01"])
        await theirs.send("whole")
        assert await kit.take(transport) == b"one two three"
        assert await kit.take(transport) == b"whole"
        assert transport.stats.dropped == {"binary": 1}

    async def test_fragments_that_never_end_are_bounded(self, kit, joined):
        transport, theirs = joined

        async def endless():
            while True:
                yield "x" * 2**16

        with pytest.raises(ConnectionClosed):
            await theirs.send(endless())
        assert "1009" in (await kit.change(transport, RECONNECTING)).reason
        await kit.change(transport, RECONNECTED)

    async def test_frames_right_behind_the_handshake_are_kept(self, kit, room):
        """They come in one segment with it, before `connect` has returned."""
        room.greeting = "first"
        transport, _ = await room.member()
        assert await kit.take(transport) == b"first"
        await transport.close()

    async def test_not_json_is_handed_on(self, kit, joined):
        transport, theirs = joined
        await theirs.send("what's this?")
        await theirs.send("")
        assert await kit.take(transport) == b"what's this?"
        assert await kit.take(transport) == b""

    async def test_binary_is_dropped_and_counted(self, kit, joined):
        transport, theirs = joined
        await theirs.send(b"\x00\xff")
        await theirs.send(b'{"n":1}')
        await theirs.send("after")
        assert await kit.take(transport) == b"after"
        assert transport.stats.dropped == {"binary": 2}
        assert transport.stats.packets_received == 1

    async def test_a_frame_of_one_megabyte(self, kit, joined):
        transport, theirs = joined
        await theirs.send("x" * 2**20)
        item = await kit.take(transport)
        assert len(item) == 2**20

    async def test_a_larger_frame_breaks_the_connection_and_is_counted(self, kit, joined, room):
        transport, theirs = joined
        await theirs.send("before")
        await theirs.send("x" * (2**20 + 1))
        assert await kit.take(transport) == b"before"
        assert "1009" in (await kit.change(transport, RECONNECTING)).reason
        await kit.change(transport, RECONNECTED)
        assert transport.stats.dropped == {"too_large": 1}
        assert theirs.close_code == 1009
        await (await room.joined()).send("after")
        assert await kit.take(transport) == b"after"

    async def test_larger_frames_where_asked_for(self, kit, room):
        transport, theirs = await room.member(max_size=3 * 2**20)
        await theirs.send("x" * 3 * 2**20)
        assert len(await kit.take(transport)) == 3 * 2**20
        await transport.close()

    async def test_text_that_is_not_utf8_is_handed_on(self, kit, joined):
        """What it is worth is the codec's to say; it is no reason to lose the room."""
        transport, theirs = joined
        theirs.protocol.send_text(b"\xff\xfe")
        theirs.send_data()
        assert await kit.take(transport) == b"\xff\xfe"

    async def test_too_large_a_packet_is_refused(self, joined, kit):
        transport, theirs = joined
        with pytest.raises(SendError, match="65537 bytes") as caught:
            await transport.send(b"x" * 65537, timeout=20)
        assert not caught.value.retryable
        await transport.send(b"x" * 65536, timeout=20)
        assert len(await theirs.recv()) == 65536


class TestEndings:
    @pytest.mark.parametrize(
        ("code", "said", "reason"),
        [
            (1000, "", "room_closed"),
            (1000, "session timed out", "timed_out"),
            (1008, "not allowed", "removed"),
            (3000, "", "removed"),
            (3003, "forbidden", "removed"),
        ],
    )
    async def test_final_close_codes(self, kit, joined, room, code, said, reason):
        transport, theirs = joined
        await theirs.send("last words")
        await theirs.close(code, said)
        assert await kit.take(transport) == b"last words"
        error = await kit.end(transport)
        assert error.reason == reason
        assert str(code) in str(error)
        assert said in str(error)
        assert "s1" in str(error)
        assert not error.retryable
        with pytest.raises(DisconnectedError):
            await transport.receive()  # again at each further call
        with pytest.raises(DisconnectedError) as caught:
            await transport.send(b"x", timeout=20)
        assert caught.value.reason == reason
        assert room.tries == 1

    @pytest.mark.parametrize(
        "code", [1001, 1002, 1003, 1005, 1007, 1009, 1010, 1011, 1012, 1013, 1014, 3999, 4000, 4999]
    )
    async def test_other_close_codes_join_again(self, kit, joined, room, code):
        transport, theirs = joined
        if code == 1005:  # a close frame without a code
            theirs.protocol.send_close()
            theirs.send_data()
        else:
            await theirs.close(code, "why")
        change = await kit.change(transport, RECONNECTING)
        assert str(code) in change.reason
        change = await kit.change(transport, RECONNECTED)
        assert change.lossy
        again = await room.joined()
        await transport.send(b"here", timeout=20)
        assert await again.recv() == "here"

    async def test_an_abrupt_drop_joins_again(self, kit, joined, room):
        transport, theirs = joined
        await theirs.send("before")
        assert await kit.take(transport) == b"before"
        theirs.transport.abort()
        change = await kit.change(transport, RECONNECTING)
        assert change.reason == "the connection broke"
        await kit.change(transport, RECONNECTED)
        await (await room.joined()).send("after")
        assert await kit.take(transport) == b"after"

    async def test_a_server_that_answers_no_ping_is_left(self, kit, room):
        transport, theirs = await room.member(ping_interval=0.05, ping_timeout=0.1)
        theirs.transport.pause_reading()
        change = await kit.change(transport, RECONNECTING)
        assert "1011" in change.reason
        assert "ping" in change.reason
        await kit.change(transport, RECONNECTED)
        await transport.close()

    async def test_pings_keep_a_quiet_room_open(self, kit, room):
        transport, theirs = await room.member(ping_interval=0.05, ping_timeout=10)
        pings = 0
        original = theirs.protocol.receive_data

        def count(data):
            nonlocal pings
            pings += 1
            original(data)

        theirs.protocol.receive_data = count
        await kit.until(lambda: pings >= 3)
        await theirs.send("still here")
        assert await kit.take(transport) == b"still here"
        await transport.close()


class TestClosing:
    async def test_says_goodbye(self, kit, joined):
        transport, theirs = joined
        await transport.close()
        await kit.until(lambda: theirs.close_code is not None)
        assert theirs.close_code == 1000
        assert (await kit.end(transport)).reason == "closed"

    async def test_hands_out_what_came_before(self, kit, joined):
        transport, theirs = joined
        await theirs.send("before")
        await kit.until(lambda: transport.stats.packets_received == 1)
        await transport.close()
        assert await kit.take(transport) == b"before"
        await kit.end(transport)

    async def test_twice_and_at_once(self, joined):
        transport, _ = joined
        await asyncio.gather(transport.close(), transport.close())
        await transport.close()

    async def test_before_connect(self, kit, room):
        transport = room.transport()
        await transport.close()
        assert (await kit.end(transport)).reason == "closed"
        with pytest.raises(JoinError, match="closed"):
            await transport.connect(timeout=20)
        assert room.tries == 0

    async def test_while_connecting(self, kit, room):
        transport = room.transport()
        joining = asyncio.create_task(transport.connect(timeout=20))
        await asyncio.sleep(0)  # it dials now
        await transport.close()
        with pytest.raises(JoinError, match="closed"):
            await joining
        theirs = await room.joined()
        await kit.until(lambda: theirs.close_code is not None)

    async def test_while_joining_again(self, kit):
        async with kit.open_room() as room:
            transport, _ = await room.member()
        await kit.change(transport, RECONNECTING)
        waiting = asyncio.create_task(transport.send(b"x", timeout=20))
        await asyncio.sleep(0)
        await transport.close()
        assert (await kit.end(transport)).reason == "closed"
        with pytest.raises(DisconnectedError):
            await waiting

    async def test_wakes_a_receiver_and_a_sender(self, joined):
        transport, _ = joined
        receiver = asyncio.create_task(transport.receive())
        await asyncio.sleep(0)
        await transport.close()
        with pytest.raises(DisconnectedError) as caught:
            await receiver
        assert caught.value.reason == "closed"
        with pytest.raises(DisconnectedError):
            await transport.send(b"x", timeout=20)

    async def test_a_server_that_does_not_answer_the_goodbye(self, kit, room):
        transport, theirs = await room.member()
        theirs.transport.pause_reading()
        async with asyncio.timeout(20):
            await transport.close(timeout=0.1)

    async def test_cancelled_it_leaves_nothing(self, kit, room):
        transport, theirs = await room.member()
        theirs.transport.pause_reading()
        closing = asyncio.create_task(transport.close(timeout=20))
        await asyncio.sleep(0.01)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert transport._supervisor.done()
        theirs.transport.resume_reading()
        await kit.until(lambda: theirs.close_code is not None)


class TestConnecting:
    async def test_cancelled_it_leaves_nothing(self, kit, silent_port):
        transport = kit.transport_to(f"ws://127.0.0.1:{silent_port}{kit.path}")
        before = asyncio.all_tasks()
        joining = asyncio.create_task(transport.connect(timeout=20))
        await asyncio.sleep(0.02)
        joining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await joining
        assert asyncio.all_tasks() == before

    async def test_failed_it_leaves_nothing(self, kit, silent_port):
        transport = kit.transport_to(f"ws://127.0.0.1:{silent_port}{kit.path}")
        before = asyncio.all_tasks()
        with pytest.raises(JoinTimeoutError):
            await transport.connect(timeout=0.05)
        assert asyncio.all_tasks() == before

    async def test_is_called_once(self, joined):
        transport, _ = joined
        with pytest.raises(RuntimeError, match="once"):
            await transport.connect(timeout=20)

    async def test_send_before_it(self, room):
        with pytest.raises(SendError, match="wasn't joined"):
            await room.transport().send(b"x", timeout=20)


async def test_receive_can_be_cancelled_without_loss(kit, joined):
    transport, theirs = joined
    got = []
    for number in range(50):
        receiver = asyncio.create_task(transport.receive())
        await asyncio.sleep(0)
        receiver.cancel()
        await asyncio.wait([receiver])
        if not receiver.cancelled():
            got.append(receiver.result())
        await theirs.send(str(number))
    while len(got) < 50:
        got.append(await kit.take(transport))
    assert got == [str(number).encode() for number in range(50)]


async def test_one_task_per_room_and_nothing_left_after_it(kit, room):
    before = asyncio.all_tasks()
    transport, _ = await room.member()
    ours = {task for task in asyncio.all_tasks() - before if "akool" in task.get_name()}
    assert len(ours) == 1
    await transport.close()
    assert all(task.done() for task in ours)
    gone = weakref.ref(transport)
    del transport, ours
    gc.collect()
    assert gone() is None
