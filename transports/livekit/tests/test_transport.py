"""`LiveKitTransport` over the real client and the simulator's room: what can go wrong."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from typing import Any

import pytest
from akool_livekit import LiveKitTransport
from livekit import rtc
from livekit.rtc.participant import PublishDataError
from livekit_faults import BACK, LEFT, PRESENT, joined, next_change

from akool_async.errors import (
    AvatarAbsentError,
    JoinError,
    MessageTooLargeError,
    MissingDependencyError,
    SendError,
)
from akool_async.testing.conformance import TIMEOUT, next_packet, the_end, until
from akool_async.transport import ConnectionChange, ConnectionState, JoinTarget


async def closed(transport: LiveKitTransport) -> None:
    """A failed connect has left the room already; closing once more does no harm."""
    await transport.close()


# Made and refused


async def test_without_the_livekit_package_it_names_the_install_line(room, monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError) as caught:
        LiveKitTransport.preflight({})
    assert caught.value.install == 'pip install "akool-async[livekit]"'
    transport = LiveKitTransport(room.target, {})
    with pytest.raises(MissingDependencyError):
        await transport.connect(timeout=1)
    await transport.close()


def test_importing_it_imports_no_livekit() -> None:
    import subprocess

    program = "import sys, akool_livekit; sys.exit('livekit.rtc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


async def test_connecting_twice_or_after_close_is_an_error(transport) -> None:
    with pytest.raises(JoinError, match="before"):
        await transport.connect(timeout=1)
    await transport.close()
    with pytest.raises(JoinError, match="after close"):
        await transport.connect(timeout=1)


async def test_sending_before_connecting_is_an_error(room) -> None:
    transport = LiveKitTransport(room.target, {})
    with pytest.raises(SendError, match="connected"):
        await transport.send(b"{}", timeout=1)
    await transport.close()


# Joining


async def test_the_warm_up_reaches_no_one(room, transport) -> None:
    await room.fault("stranger_joins")
    await transport.send(b'{"n":1}', timeout=TIMEOUT)
    assert await room.wait_received(1) == [b'{"n":1}']


async def test_connect_waits_until_the_avatar_hears(room) -> None:
    await room.fault("avatar_leaves")
    transport = LiveKitTransport(room.target, {})
    connecting = asyncio.create_task(transport.connect(timeout=TIMEOUT))
    await until(lambda: bool(room.events.here), "our joining")
    await room.fault("avatar_returns", active=False)
    await asyncio.sleep(0.2)
    assert not connecting.done()  # what is sent now would be lost
    await room.fault("avatar_active")
    await connecting
    await transport.send(b'{"n":1}', timeout=TIMEOUT)
    assert await room.wait_received(1) == [b'{"n":1}']
    await transport.close()


async def test_an_avatar_that_never_hears_is_an_error_that_says_so(room) -> None:
    await room.fault("avatar_leaves")
    await room.fault("avatar_returns", active=False)
    transport = LiveKitTransport(room.target, {})
    with pytest.raises(AvatarAbsentError, match="can't hear"):
        await transport.connect(timeout=1)
    await closed(transport)


async def test_what_came_before_connect_returned_is_kept(room) -> None:
    await room.fault("avatar_leaves")
    transport = LiveKitTransport(room.target, {})
    connecting = asyncio.create_task(transport.connect(timeout=TIMEOUT))
    await until(lambda: bool(room.events.here), "our joining")
    # There, but not announced: its packet comes without a name.
    await room.fault("avatar_returns", announce_after=None)
    await room.send(b'{"n":"early"}')
    await until(lambda: transport.stats.packets_received == 1, "the nameless packet")
    await room.fault("avatar_leaves")
    await room.fault("avatar_returns")
    await connecting
    assert await next_packet(transport) == b'{"n":"early"}'
    await transport.close()


# Packets


async def test_too_large_names_both_sizes(transport) -> None:
    with pytest.raises(MessageTooLargeError) as caught:
        await transport.send(b"x" * 15_001, timeout=1)
    assert (caught.value.size, caught.value.limit) == (15_001, 15_000)


async def test_packets_with_a_topic_are_other_peoples(room, transport) -> None:
    room.sim.hub.send_bytes(room.sim.avatar, b'{"not":"ours"}', topic="lk-chat")
    await room.send(b'{"n":1}')
    assert await next_packet(transport) == b'{"n":1}'
    assert transport.stats.dropped == {"topic": 1}


async def test_a_malformed_packet_does_no_harm(room, transport) -> None:
    await room.fault("malformed_packet")
    await room.send(b'{"n":1}')
    assert await next_packet(transport) == b'{"n":1}'


async def test_a_send_that_is_not_taken_in_time_is_an_error(room, transport) -> None:
    await room.fault("drop_peer")
    with pytest.raises(SendError, match=r"on its way all the same|refused a packet"):
        for _ in range(100):
            await transport.send(b'{"n":1}', timeout=0.3)
    assert transport.stats.packets_sent < 100


@pytest.mark.parametrize("refusals", [1, 2])
async def test_a_packet_that_is_refused_is_given_once_more(room, transport, refusals) -> None:
    """As in the moment after a connection broke, before the client holds packets."""
    participant = transport._participants.room.local_participant
    publish_data, tries = participant.publish_data, []

    async def refuse(*args: Any, **options: Any) -> None:
        tries.append(args)
        if len(tries) <= refusals:
            raise PublishDataError("the data channel is closed")
        await publish_data(*args, **options)

    participant.publish_data = refuse
    if refusals == 1:
        await transport.send(b'{"n":1}', timeout=TIMEOUT)
        await until(lambda: room.received == [b'{"n":1}'], "the packet")
    else:
        with pytest.raises(SendError, match="refused a packet") as caught:
            await transport.send(b'{"n":1}', timeout=TIMEOUT)
        assert caught.value.retryable
    assert len(tries) == 2
    assert transport.stats.packets_sent == 2 - refusals


# Strangers


async def test_a_stranger_without_a_name_is_not_the_avatar(room, transport) -> None:
    await room.fault("stranger_joins", announce_after=None)
    await room.fault("stranger_sends", data=b'{"n":"stranger"}')
    await room.send(b'{"n":"avatar"}')
    assert (await next_change(transport)).state is ConnectionState.STRANGER
    assert await next_packet(transport) == b'{"n":"avatar"}'


async def test_in_an_own_room_a_nameless_packet_waits_for_its_sender(room) -> None:
    room.own_room = True
    await room.fault("avatar_leaves")
    transport = LiveKitTransport(room.target, {})
    connecting = asyncio.create_task(transport.connect(timeout=TIMEOUT))
    await until(lambda: bool(room.events.here), "our joining")
    await room.fault("avatar_returns", announce_after=0.3)
    await room.send(b'{"n":"early"}')
    await connecting
    assert transport.stats.packets_received == 0
    assert await next_packet(transport) == b'{"n":"early"}'
    await transport.close()


# The avatar goes and comes


async def test_the_avatar_leaves_and_returns(room, transport) -> None:
    await room.fault("avatar_leaves")
    assert (await next_change(transport)).state is LEFT
    await room.fault("avatar_returns", active=False)
    await asyncio.sleep(0.1)
    await room.fault("avatar_active")
    assert (await next_change(transport)).state is BACK
    await transport.send(b'{"n":1}', timeout=TIMEOUT)
    assert await room.wait_received(1) == [b'{"n":1}']


async def test_the_avatar_returns_under_another_identity(room) -> None:
    credentials = room.credentials.model_copy(update={"livekit_server_identity": None})
    async with joined(JoinTarget(credentials)) as transport:
        await room.fault("avatar_leaves")
        assert (await next_change(transport)).state is LEFT
        await room.fault("stranger_joins", identity="another avatar")
        assert (await next_change(transport)).state is BACK
        await room.fault("stranger_sends", data=b'{"n":2}', identity="another avatar")
        assert await next_packet(transport) == b'{"n":2}'
        # The first one is back all the same: it is the avatar, the other one isn't.
        await room.fault("avatar_returns")
        assert [(await next_change(transport)).state for _ in range(2)] == [LEFT, BACK]
        await room.fault("stranger_sends", data=b'{"n":3}', identity="another avatar")
        await room.send(b'{"n":1}')
        assert await next_packet(transport) == b'{"n":1}'
        assert transport.stats.dropped == {"stranger": 1}


# What the avatar publishes


async def test_a_track_is_known_without_subscribing(room) -> None:
    room.sim.publish()
    async with joined(room.target) as transport:
        assert transport.avatar_publishing is True
        room.sim.publish(on=False)
        await until(lambda: transport.avatar_publishing is False, "the end of publishing")
        room.sim.publish()
        async with asyncio.timeout(TIMEOUT):
            while (item := await transport.receive()) == ConnectionChange(PRESENT):
                pass
        assert item == ConnectionChange(ConnectionState.AVATAR_PUBLISHED)
        await room.fault("avatar_leaves")
        assert (await next_change(transport)).state is LEFT
        assert transport.avatar_publishing is False


# The room ends


@pytest.mark.parametrize(
    ("vendor", "reason"),
    [
        ("PARTICIPANT_REMOVED", "removed"),
        ("DUPLICATE_IDENTITY", "same_identity"),
        ("ROOM_CLOSED", "room_closed"),
    ],
)
async def test_asked_to_leave_it_ends_with_the_reason(room, transport, vendor, reason) -> None:
    await room.fault("remove", reason=vendor)
    error = await the_end(transport)
    assert error.reason == reason
    assert not error.retryable


async def test_a_close_that_is_cancelled_leaves_the_room_all_the_same(room) -> None:
    transport = LiveKitTransport(room.target, {})
    await transport.connect(timeout=TIMEOUT)
    closing = asyncio.create_task(transport.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await until(lambda: not room.sim.members(), "our leaving")


async def test_handlers_never_raise_into_the_rooms_own_task(room, transport) -> None:
    # Whatever the client reports, and in whatever order: its task must live on (rule 8).
    client = transport._room
    odd = rtc.DataPacket(data=b"x", kind=0, participant=None, topic=None)
    client.emit("data_received", odd)
    client.emit("reconnected")
    client.emit("participant_active", client.local_participant)
    client.emit("participant_disconnected", client.local_participant)
    await room.send(b'{"n":1}')
    assert await next_packet(transport) == b'{"n":1}'
