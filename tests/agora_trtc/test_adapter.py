"""Each vendor's transport in a room of the simulator: what both do alike."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from fake_engine import FakeEngine
from loopback_peer import LoopbackPeer, connected, loopback_room, next_change
from rtc_vendors import VENDORS, Vendor

from akool_async.errors import (
    DisconnectedError,
    InvalidParameterError,
    JoinError,
    MessageTooLargeError,
)
from akool_async.models.credentials import LiveKitCredentials
from akool_async.testing.conformance import TIMEOUT, next_packet, the_end, until
from akool_async.transport import ConnectionState, JoinTarget
from akool_async.transport.engines.transport import EngineTransport

OPTIONS = {"engine": "loopback"}
#: The option that names the avatar in a room of one's own.
AVATAR = {"agora": "avatar_uid", "trtc": "avatar_user_id"}
REFUSED = {"agora": "token is invalid", "trtc": "userSig"}
PLACE = {"agora": "Agora channel", "trtc": "TRTC room"}
#: A room of one's own: what the avatar joins with, its identity, and what we join with.
OWN_ROOM: dict[str, tuple[dict[str, Any], object, dict[str, Any]]] = {
    "agora": (
        {"agora_uid": 77, "agora_channel": "mine", "agora_token": "a"},
        77,
        {"agora_uid": 5, "agora_token": "b", "agora_app_id": "app"},
    ),
    "trtc": (
        {
            "trtc_sdk_app_id": 1,
            "trtc_sdk_room_id": "mine",
            "trtc_sdk_user_id": "avatar",
            "trtc_sdk_user_sig": "a",
        },
        "avatar",
        {"trtc_sdk_user_id": "me", "trtc_sdk_user_sig": "b"},
    ),
}


@pytest.fixture(params=VENDORS, ids=repr)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return request.param


@pytest_asyncio.fixture
async def far(vendor: Vendor) -> AsyncIterator[LoopbackPeer]:
    async with loopback_room(vendor.kind) as room:
        yield room


def joined(vendor: Vendor, far: LoopbackPeer) -> AbstractAsyncContextManager[EngineTransport]:
    return connected(vendor.transport(far.target, OPTIONS))


# Joining


def test_credentials_of_another_room_are_refused(vendor: Vendor) -> None:
    target = JoinTarget(LiveKitCredentials(livekit_url="ws://127.0.0.1"))
    with pytest.raises(InvalidParameterError, match="LiveKitCredentials"):
        vendor.transport(target, OPTIONS)


def test_a_room_of_ones_own_needs_the_avatars_identity(vendor: Vendor) -> None:
    target = JoinTarget(vendor.credentials(), own_room=True)
    with pytest.raises(InvalidParameterError) as raised:
        vendor.transport(target, {"engine": FakeEngine()})
    assert raised.value.field == AVATAR[vendor.kind]


async def test_a_relay_that_is_not_there(vendor: Vendor) -> None:
    async with loopback_room(vendor.kind) as far:
        target = far.target
    with pytest.raises(JoinError) as raised:
        await vendor.transport(target, OPTIONS).connect(timeout=TIMEOUT)
    assert raised.value.retryable


# Sending


async def test_too_large_is_refused_before_it_is_sent(vendor: Vendor) -> None:
    engine = FakeEngine()
    target = JoinTarget(vendor.credentials())
    async with connected(vendor.transport(target, {"engine": engine})) as transport:
        with pytest.raises(MessageTooLargeError) as raised:
            await transport.send(b"x" * 1001, timeout=TIMEOUT)
        assert (raised.value.size, raised.value.limit) == (1001, 1000)
    assert engine.sent == []


# What happens to the connection


async def test_the_same_identity_joins_from_elsewhere(vendor: Vendor, far: LoopbackPeer) -> None:
    async with joined(vendor, far) as first, joined(vendor, far) as second:
        error = await the_end(first)
        assert (error.reason, error.retryable) == ("same_identity", True)
        await second.send(b"1", timeout=TIMEOUT)
        assert await far.wait_received(1) == [b"1"]


async def test_the_avatar_leaves_and_comes_back(vendor: Vendor, far: LoopbackPeer) -> None:
    async with joined(vendor, far) as transport:
        await far.room.fault("avatar_leaves")
        await next_change(transport, ConnectionState.AVATAR_LEFT)
        await far.room.fault("avatar_returns")
        await next_change(transport, ConnectionState.AVATAR_BACK)


async def test_a_stranger_in_a_room_of_ones_own(vendor: Vendor) -> None:
    avatar, identity, access = OWN_ROOM[vendor.kind]
    async with loopback_room(vendor.kind, own_room=avatar) as far:
        far.access |= access
        options = {**OPTIONS, AVATAR[vendor.kind]: identity}
        target = replace(far.target, own_room=True)
        async with connected(vendor.transport(target, options)) as transport:
            await far.room.fault("stranger", packet=b"evil", identity="666")
            await next_change(transport, ConnectionState.STRANGER)
            await far.send(b"good")
            assert await next_packet(transport) == b"good"
            assert transport.stats.dropped == {"stranger": 1}


async def test_a_silent_room_is_joined_again(vendor: Vendor, far: LoopbackPeer) -> None:
    async with joined(vendor, far) as transport:
        await transport.reconnect(timeout=TIMEOUT)
        await next_change(transport, ConnectionState.RECONNECTING)
        assert (await next_change(transport, ConnectionState.RECONNECTED)).lossy
        await far.send(b"back")
        assert await next_packet(transport) == b"back"


async def test_a_room_that_cannot_be_rejoined_is_gone(vendor: Vendor, far: LoopbackPeer) -> None:
    async with joined(vendor, far) as transport:
        await far.refuse()
        with pytest.raises(DisconnectedError, match=REFUSED[vendor.kind]) as raised:
            await transport.reconnect(timeout=TIMEOUT)
        assert raised.value.reason == "connection_lost"
        assert (await the_end(transport)).reason == "connection_lost"


# Closing


async def test_an_engine_that_fails_to_leave_is_logged(
    vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    target = JoinTarget(vendor.credentials())
    async with connected(vendor.transport(target, {"engine": FakeEngine(leave=-1)})):
        pass
    assert f"leaving the {PLACE[vendor.kind]} failed: EngineError" in caplog.text


async def test_the_avatar_learns_that_we_left(vendor: Vendor, far: LoopbackPeer) -> None:
    async with joined(vendor, far):
        assert len(far.events.present) == 1
    await until(lambda: not far.events.present, "our leaving")
