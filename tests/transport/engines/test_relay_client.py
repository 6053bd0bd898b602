"""The client's end of the relay, as each vendor's loopback engine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import pytest_asyncio
from loopback_peer import LoopbackPeer, RecordedEvents, in_room, loopback_room
from rtc_vendors import VENDORS, Vendor

from akool_async.testing.conformance import until
from akool_async.transport.engines.engine import EngineError
from akool_async.transport.engines.relay_client import RelayEngine

#: The reason of a break that isn't restored, and the code of a packet after it.
LOST = {"agora": (16, -113), "trtc": ("network", 5100)}
#: The code that coming back is refused with, and the reason it is the end with.
REFUSED = {"agora": (3, 3), "trtc": (5400, "network")}
TOO_FAST = {"agora": -12, "trtc": 5100}
UNREACHABLE = {"agora": 4, "trtc": 5500}


@pytest.fixture(params=VENDORS, ids=repr)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return request.param


@pytest_asyncio.fixture
async def far(vendor: Vendor) -> AsyncIterator[LoopbackPeer]:
    async with loopback_room(vendor.kind) as room:
        yield room


def joined(
    vendor: Vendor, far: LoopbackPeer, recorded: RecordedEvents, *, give_up_after: float = 20.0
) -> AbstractAsyncContextManager[RelayEngine[Any, Any]]:
    engine = vendor.relay(far.room.base_url, give_up_after=give_up_after)
    return in_room(engine, vendor.room(far.access), recorded)


async def test_who_is_there_first_is_reported(vendor: Vendor, far: LoopbackPeer) -> None:
    recorded = RecordedEvents()
    async with joined(vendor, far, recorded):
        assert recorded.events == [("user_joined", far.room.avatar)]


async def test_a_relay_that_is_not_there(vendor: Vendor) -> None:
    async with loopback_room(vendor.kind) as far:
        engine = vendor.relay(far.room.base_url)
    with pytest.raises(EngineError, match="can't be reached") as raised:
        await engine.join(vendor.room(far.access), RecordedEvents())
    assert raised.value.code == UNREACHABLE[vendor.kind]


async def test_a_break_is_restored_and_who_left_meanwhile_is_reported(
    vendor: Vendor, far: LoopbackPeer
) -> None:
    recorded = RecordedEvents()
    async with joined(vendor, far, recorded) as engine:
        await far.room.fault("drop_socket", refuse_for=0.15)
        await until(lambda: not far.room.members, "the break")
        await far.room.fault("avatar_leaves")
        await recorded.wait("user_left", far.room.avatar)
        names = [name for name, *_ in recorded.events]
        assert names == ["user_joined", "reconnecting", "reconnected", "user_left"]
        await engine.send(b"restored")
    assert far.events.history[:1] == [f"+{far.access[vendor.own_id]}"]
    assert len(far.events.history) <= 2


async def test_a_break_that_is_not_restored_is_the_end(vendor: Vendor, far: LoopbackPeer) -> None:
    reason, code = LOST[vendor.kind]
    recorded = RecordedEvents()
    async with joined(vendor, far, recorded, give_up_after=0.2) as engine:
        await far.room.fault("drop_socket", refuse_for=60)
        await recorded.wait("disconnected", reason)
        with pytest.raises(EngineError) as raised:
            await engine.send(b"1")
        assert raised.value.code == code
    assert recorded.events[-1][0] == "disconnected"


async def test_coming_back_may_be_refused(vendor: Vendor, far: LoopbackPeer) -> None:
    code, reason = REFUSED[vendor.kind]
    recorded = RecordedEvents()
    async with joined(vendor, far, recorded):
        await far.room.fault("refuse_joins", code=code)
        await far.drop()
        await recorded.wait("disconnected", reason)


async def test_a_cancelled_send_does_not_mix_up_the_verdicts(
    vendor: Vendor, far: LoopbackPeer
) -> None:
    async with joined(vendor, far, RecordedEvents()) as engine:
        await far.room.fault("refuse_sends", code=TOO_FAST[vendor.kind])
        sending = asyncio.create_task(engine.send(b"1"))
        await asyncio.sleep(0)
        sending.cancel()
        await asyncio.wait({sending})
        await engine.send(b"2")
        assert await far.wait_received(1) == [b"2"]


async def test_a_join_while_the_relay_is_silent_can_be_cancelled(
    vendor: Vendor, far: LoopbackPeer
) -> None:
    await far.hang()
    engine = vendor.relay(far.room.base_url)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await engine.join(vendor.room(far.access), RecordedEvents())
    await engine.leave()
    await engine.leave()


async def test_no_event_after_leaving(vendor: Vendor, far: LoopbackPeer) -> None:
    recorded = RecordedEvents()
    async with joined(vendor, far, recorded) as engine:
        await engine.leave()
        before = list(recorded.events)
        await far.room.fault("avatar_leaves")
        await until(lambda: not far.events.present, "our leaving")
    assert recorded.events == before


async def test_leaving_over_a_broken_connection_gives_it_back(
    vendor: Vendor, far: LoopbackPeer
) -> None:
    async with joined(vendor, far, RecordedEvents()) as engine:
        response = engine._ws._response
        response.connection.transport.abort()
        await engine.leave()
        assert response.connection is None


async def test_a_connection_that_broke_is_given_back(vendor: Vendor, far: LoopbackPeer) -> None:
    recorded = RecordedEvents()
    async with joined(vendor, far, recorded) as engine:
        response = engine._ws._response
        response.connection.transport.abort()
        await until(lambda: "reconnected" in [name for name, *_ in recorded.events], "its return")
        assert response.connection is None
