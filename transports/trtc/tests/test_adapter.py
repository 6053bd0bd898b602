"""TRTC's own. For every transport over an engine: `tests/transport/test_engine.py`; for both
vendors' in a room: `tests/agora_trtc/test_adapter.py`.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from akool_trtc import Room, TRTCTransport
from fake_engine import FakeEngine
from loopback_peer import LoopbackPeer, connected, loopback_room

from akool_async.errors import (
    DisconnectedError,
    InvalidParameterError,
    JoinRefusedError,
    SendError,
)
from akool_async.models.credentials import TRTCCredentials
from akool_async.testing.conformance import TIMEOUT, the_end
from akool_async.transport import JoinTarget

OPTIONS = {"engine": "loopback"}


@pytest_asyncio.fixture
async def far() -> AsyncIterator[LoopbackPeer]:
    async with loopback_room("trtc") as room:
        yield room


def joined(far: LoopbackPeer, **target: Any) -> AbstractAsyncContextManager[TRTCTransport]:
    return connected(TRTCTransport(replace(far.target, **target), OPTIONS))


VALUES = {"trtc_app_id": 1, "trtc_room_id": 77, "trtc_user_id": "me", "trtc_user_sig": "s1g"}


def over(engine: object, **target: Any) -> TRTCTransport:
    credentials = TRTCCredentials.model_validate(VALUES)
    return TRTCTransport(JoinTarget(credentials, **target), {"engine": engine})


# What it joins with


def test_a_missing_signature_is_named() -> None:
    credentials = TRTCCredentials.model_validate({**VALUES, "trtc_user_sig": None})
    with pytest.raises(InvalidParameterError) as raised:
        TRTCTransport(JoinTarget(credentials), OPTIONS)
    assert raised.value.field == "trtc_user_sig"


async def test_the_engine_gets_the_credentials_with_a_string_room_id() -> None:
    engine = FakeEngine()
    transport = over(engine)
    await transport.connect(timeout=TIMEOUT)
    assert engine.rooms == [Room(1, "77", "me", "s1g")]
    assert "s1g" not in repr(engine.rooms)
    await transport.close()


# Joining


async def test_a_bad_signature_is_refused(far: LoopbackPeer) -> None:
    far.access["trtc_user_sig"] = "another"
    with pytest.raises(JoinRefusedError, match="userSig"):
        await TRTCTransport(far.target, OPTIONS).connect(timeout=TIMEOUT)


# Sending


async def test_what_is_not_allowed_now_is_tried_again() -> None:
    engine = FakeEngine(5100, 5100, 0)
    transport = over(engine)
    await transport.connect(timeout=TIMEOUT)
    await transport.send(b"1", timeout=TIMEOUT)
    assert engine.sent == [b"1"]
    await transport.close()


@pytest.mark.parametrize("code", [5000, 5400, 5500])
async def test_other_refusals_are_raised_at_once(code: int) -> None:
    engine = FakeEngine(code)
    transport = over(engine)
    await transport.connect(timeout=TIMEOUT)
    with pytest.raises(SendError) as raised:
        await transport.send(b"1", timeout=TIMEOUT)
    assert raised.value.code == code
    assert (engine.sent, transport.stats.packets_sent) == ([], 0)
    await transport.close()


async def test_a_flood_is_slowed_down_by_refusals(far: LoopbackPeer) -> None:
    async with joined(far) as transport:
        for n in range(10):
            await transport.send(b"%d" % n * 900, timeout=TIMEOUT)
        assert [p[:1] for p in await far.wait_received(10)] == [b"%d" % n for n in range(10)]
    assert far.room.refused[5100] > 0


# What happens to the connection


@pytest.mark.parametrize(
    ("code", "reason"), [("banned", "banned"), ("kick", "same_identity"), ("zzz", "zzz")]
)
async def test_thrown_out(far: LoopbackPeer, code: str, reason: str) -> None:
    async with joined(far) as transport:
        await far.room.fault("disconnect", code=code)
        assert (await the_end(transport)).reason == reason
        with pytest.raises(DisconnectedError) as raised:
            await transport.send(b"1", timeout=TIMEOUT)
        assert raised.value.reason == reason
