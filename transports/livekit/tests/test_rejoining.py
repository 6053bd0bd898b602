"""A LiveKit room is left and joined again: reconnects, closing meanwhile, expired tokens."""

from __future__ import annotations

import asyncio

import pytest
from akool_livekit import LiveKitTransport
from akool_livekit.join_limiter import JOIN_LIMITER
from livekit_faults import BACK, LEFT, RECONNECTED, RECONNECTING, joined, next_change

from akool_async.errors import AkoolError, DisconnectedError, JoinError
from akool_async.testing.conformance import TIMEOUT, next_packet, the_end, until
from akool_async.transport import JoinTarget


async def test_a_full_reconnect_is_not_the_avatars_leaving(room, transport) -> None:
    await room.fault("drop_socket")
    changes = [await next_change(transport), await next_change(transport)]
    assert [c.state for c in changes] == [RECONNECTING, RECONNECTED]
    assert changes[1].lossy
    await until(lambda: len(room.events.here) == 2, "our coming back")
    await room.send(b'{"n":1}')
    assert await next_packet(transport) == b'{"n":1}'


async def test_the_avatar_gone_while_it_reconnected_is_reported(room, transport) -> None:
    await room.fault("silent_join", seconds=0.5)
    await room.fault("drop_socket")
    assert (await next_change(transport)).state is RECONNECTING
    await room.fault("avatar_leaves")
    assert [(await next_change(transport)).state for _ in range(2)] == [RECONNECTED, LEFT]
    await room.fault("avatar_returns")
    assert (await next_change(transport)).state is BACK


async def test_leaving_for_another_server_is_a_reconnect(room, transport) -> None:
    await room.fault("full_reconnect")
    assert [(await next_change(transport)).state for _ in range(2)] == [RECONNECTING, RECONNECTED]
    await transport.send(b'{"n":1}', timeout=TIMEOUT)
    await until(lambda: b'{"n":1}' in room.received, "the packet")


async def test_reconnect_on_demand_is_reported_and_lossy(room, transport) -> None:
    before = room.sim.members()[0].sid
    await room.fault("silence")
    await transport.send(b'{"n":"lost"}', timeout=TIMEOUT)
    await until(lambda: room.sim.hub.lost == 1, "the packet to be lost")
    await room.fault("silence", on=False)
    await transport.reconnect(timeout=TIMEOUT)
    changes = [await next_change(transport), await next_change(transport)]
    assert [c.state for c in changes] == [RECONNECTING, RECONNECTED]
    assert changes[1].lossy
    assert room.sim.members()[0].sid != before
    await transport.send(b'{"n":"heard"}', timeout=TIMEOUT)
    assert await room.wait_received(1) == [b'{"n":"heard"}']


async def test_a_send_during_a_rejoin_waits_for_the_new_room(room, transport) -> None:
    await room.fault("silent_join", seconds=0.3)
    rejoining = asyncio.create_task(transport.reconnect(timeout=TIMEOUT))
    assert (await next_change(transport)).state is RECONNECTING
    await transport.send(b'{"n":1}', timeout=TIMEOUT)
    await rejoining
    assert await room.wait_received(1) == [b'{"n":1}']


async def test_reconnect_that_fails_is_the_end(room, transport) -> None:
    await room.fault("expire_tokens")
    with pytest.raises(DisconnectedError, match="joined again"):
        await transport.reconnect(timeout=TIMEOUT)
    assert (await the_end(transport)).reason == "connection_lost"
    with pytest.raises(DisconnectedError):
        await transport.reconnect(timeout=TIMEOUT)


async def test_closed_while_it_is_joined_again_it_leaves(room, transport) -> None:
    await room.fault("silent_join", seconds=2.0)
    rejoining = asyncio.create_task(transport.reconnect(timeout=TIMEOUT))
    assert (await next_change(transport)).state is RECONNECTING
    await until(lambda: JOIN_LIMITER.free == 3, "the second join")
    await transport.close()
    with pytest.raises(DisconnectedError) as caught:
        await rejoining
    assert caught.value.reason == "closed"
    await until(lambda: room.sim.members() == [], "an empty room")
    assert JOIN_LIMITER.free == 4


async def test_closed_while_it_connects_it_leaves(room) -> None:
    await room.fault("silent_join", seconds=0.5)
    transport = LiveKitTransport(room.target, {})
    connecting = asyncio.create_task(transport.connect(timeout=TIMEOUT))
    await until(lambda: JOIN_LIMITER.free == 3, "the join")
    await transport.close()
    with pytest.raises(JoinError, match="ended while being joined"):
        await connecting
    await until(lambda: room.sim.members() == [], "an empty room")


async def test_reconnect_cancelled_is_the_end(room, transport) -> None:
    await room.fault("silent_join", seconds=2.0)
    rejoining = asyncio.create_task(transport.reconnect(timeout=TIMEOUT))
    assert (await next_change(transport)).state is RECONNECTING
    await asyncio.sleep(0.1)
    rejoining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rejoining
    assert (await the_end(transport)).reason == "connection_lost"


async def test_an_expired_token_after_a_drop_is_the_end_without_a_new_one(room, transport) -> None:
    await room.fault("expire_tokens")
    await room.fault("drop_socket")
    assert (await the_end(transport)).reason in ("token_expired", "join_failure")


async def test_an_expired_token_after_a_drop_is_renewed(room) -> None:
    room.renewed = room.credentials
    async with joined(room.target) as transport:
        await room.fault("expire_tokens")

        async def renew():
            room.renewals += 1
            await room.fault("expire_tokens", expired=False)
            return room.renewed

        transport._joiner._renewal = renew
        await room.fault("drop_socket")
        changes = [await next_change(transport), await next_change(transport)]
        assert [c.state for c in changes] == [RECONNECTING, RECONNECTED]
        assert changes[1].lossy
        assert room.renewals == 1
        await transport.send(b'{"n":1}', timeout=TIMEOUT)
        await until(lambda: b'{"n":1}' in room.received, "the packet")


async def test_a_renewal_that_fails_is_the_end_with_its_cause(room) -> None:
    class NoMoreTokensError(AkoolError):
        pass

    async def renew():
        raise NoMoreTokensError("the session is over")

    target = JoinTarget(room.credentials, renew_credentials=renew)
    transport = LiveKitTransport(target, {})
    await transport.connect(timeout=TIMEOUT)
    await room.fault("expire_tokens")
    await room.fault("drop_socket")
    error = await the_end(transport)
    assert error.reason in ("token_expired", "join_failure")
    assert "the session is over" in str(error)
    await transport.close()


async def test_closing_while_it_renews_leaves_nothing(room) -> None:
    asked = asyncio.Event()

    async def renew():
        asked.set()
        await asyncio.Event().wait()

    target = JoinTarget(room.credentials, renew_credentials=renew)
    transport = LiveKitTransport(target, {})
    await transport.connect(timeout=TIMEOUT)
    await room.fault("expire_tokens")
    await room.fault("drop_socket")
    async with asyncio.timeout(TIMEOUT):
        await asked.wait()
    await transport.close()
    assert (await the_end(transport)).reason == "closed"
