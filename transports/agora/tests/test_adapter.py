"""Agora's own. For every transport over an engine: `tests/transport/test_engine.py`; for both
vendors' in a room: `tests/agora_trtc/test_adapter.py`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from akool_agora import AgoraTransport, EngineError, Room
from fake_engine import FakeEngine
from loopback_peer import LoopbackPeer, connected, loopback_room, next_change
from pydantic import SecretStr

from akool_async.errors import (
    DisconnectedError,
    InvalidParameterError,
    JoinRefusedError,
    SendError,
)
from akool_async.models.credentials import AgoraCredentials
from akool_async.simulator.rooms.relay.agora import AgoraRoom
from akool_async.testing.conformance import TIMEOUT, next_packet, the_end, until
from akool_async.transport import ConnectionState, JoinTarget

OPTIONS = {"engine": "loopback"}


@pytest_asyncio.fixture
async def far() -> AsyncIterator[LoopbackPeer]:
    async with loopback_room("agora") as room:
        yield room


def joined(far: LoopbackPeer, **target: Any) -> AbstractAsyncContextManager[AgoraTransport]:
    return connected(AgoraTransport(replace(far.target, **target), OPTIONS))


def new_token(far: LoopbackPeer) -> AgoraCredentials:
    assert isinstance(far.room, AgoraRoom)
    return AgoraCredentials.model_validate({**far.access, "agora_token": far.room.new_token()})


def over(engine: object, **target: Any) -> AgoraTransport:
    credentials = AgoraCredentials(
        agora_uid=1, agora_channel="c", agora_token=SecretStr("t0ken"), agora_app_id="a"
    )
    return AgoraTransport(JoinTarget(credentials, **target), {"engine": engine})


# What it joins with


@pytest.mark.parametrize("field", ["agora_token", "agora_app_id"])
def test_incomplete_credentials_are_refused_by_name(field: str) -> None:
    values = {"agora_uid": 1, "agora_channel": "c", "agora_token": "t", "agora_app_id": "a"}
    del values[field]
    with pytest.raises(InvalidParameterError) as raised:
        AgoraTransport(JoinTarget(AgoraCredentials.model_validate(values)), OPTIONS)
    assert raised.value.field == field


async def test_the_engine_gets_the_credentials() -> None:
    engine = FakeEngine()
    transport = over(engine)
    await transport.connect(timeout=TIMEOUT)
    assert engine.rooms == [Room("a", "c", 1, "t0ken")]
    assert "t0ken" not in repr(engine.rooms)
    await transport.close()


# Joining


async def test_five_minutes_are_over(far: LoopbackPeer) -> None:
    await far.room.fault("expire_token")
    transport = AgoraTransport(far.target, OPTIONS)
    with pytest.raises(JoinRefusedError, match="five minutes") as raised:
        await transport.connect(timeout=TIMEOUT)
    assert not raised.value.retryable
    assert isinstance(raised.value.__cause__, EngineError)


async def test_an_expired_token_is_replaced_where_someone_can(far: LoopbackPeer) -> None:
    await far.room.fault("expire_token")
    asked = 0

    async def renew() -> AgoraCredentials:
        nonlocal asked
        asked += 1
        return new_token(far)

    async with joined(far, renew_credentials=renew) as transport:
        await transport.send(b"1", timeout=TIMEOUT)
        assert await far.wait_received(1) == [b"1"]
    assert asked == 1


async def test_a_bad_token_is_refused(far: LoopbackPeer) -> None:
    far.access["agora_token"] = "another"
    transport = AgoraTransport(far.target, OPTIONS)
    with pytest.raises(JoinRefusedError, match="token is invalid"):
        await transport.connect(timeout=TIMEOUT)


# Sending


@pytest.mark.parametrize("code", [-12, -115, -113])
async def test_what_was_refused_for_now_is_tried_again(code: int) -> None:
    engine = FakeEngine(code, code, 0)
    transport = over(engine)
    await transport.connect(timeout=TIMEOUT)
    await transport.send(b"1", timeout=TIMEOUT)
    assert engine.sent == [b"1"]
    assert transport.stats.packets_sent == 1
    await transport.close()


@pytest.mark.parametrize("code", [-2, -114])
async def test_what_is_refused_for_good_is_not(code: int) -> None:
    engine = FakeEngine(code)
    transport = over(engine)
    await transport.connect(timeout=TIMEOUT)
    with pytest.raises(SendError) as raised:
        await transport.send(b"1", timeout=TIMEOUT)
    assert (raised.value.code, raised.value.retryable) == (code, False)
    assert transport.stats.packets_sent == 0
    await transport.close()


async def test_a_flood_is_slowed_down_by_refusals(far: LoopbackPeer) -> None:
    async with joined(far) as transport:
        for n in range(8):
            await transport.send(b"%d" % n * 900, timeout=TIMEOUT)
        assert len(await far.wait_received(8)) == 8
    assert far.room.refused[-115] > 0


# What happens to the connection


async def test_banned(far: LoopbackPeer) -> None:
    async with joined(far) as transport:
        await far.room.fault("ban")
        assert (await the_end(transport)).reason == "banned"
        with pytest.raises(DisconnectedError) as raised:
            await transport.send(b"1", timeout=TIMEOUT)
        assert raised.value.reason == "banned"


async def test_a_silent_room_is_joined_again(far: LoopbackPeer) -> None:
    renewed: list[AgoraCredentials] = []

    async def renew() -> AgoraCredentials:
        renewed.append(new_token(far))
        return renewed[-1]

    async with joined(far, renew_credentials=renew) as transport:
        await transport.reconnect(timeout=TIMEOUT)
        await next_change(transport, ConnectionState.RECONNECTING)
        change = await next_change(transport, ConnectionState.RECONNECTED)
        assert change.lossy
        await far.send(b"back")
        assert await next_packet(transport) == b"back"
    assert len(renewed) == 1


# Tokens


async def test_without_a_hook_an_expiring_token_is_an_event(far: LoopbackPeer) -> None:
    async with joined(far) as transport:
        await far.room.fault("token_will_expire", seconds=0.2)
        change = await next_change(transport, ConnectionState.TOKEN_EXPIRING)
        assert change.seconds_left == 0.2
        assert (await the_end(transport)).reason == "token_expired"


async def test_the_hook_renews_the_token(far: LoopbackPeer) -> None:
    async def renew() -> AgoraCredentials:
        return new_token(far)

    async with joined(far, renew_credentials=renew) as transport:
        await far.room.fault("token_will_expire", seconds=0.3)
        await next_change(transport, ConnectionState.TOKEN_EXPIRING)
        await until(lambda: not far.room.unrenewed, "the new token")  # type: ignore[attr-defined]
        await asyncio.sleep(0.4)
        await transport.send(b"still here", timeout=TIMEOUT)
        assert await far.wait_received(1) == [b"still here"]


async def test_a_failing_hook_is_reported_and_its_text_is_not(
    far: LoopbackPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async def renew() -> AgoraCredentials:
        raise RuntimeError("the token is s3cret")

    async with joined(far, renew_credentials=renew) as transport:
        with caplog.at_level(logging.DEBUG):
            await far.room.fault("token_will_expire", seconds=20)
            await next_change(transport, ConnectionState.TOKEN_EXPIRING)
            reported = await next_change(transport, ConnectionState.TOKEN_EXPIRING)
    assert reported.reason == "renewing the token failed (RuntimeError)"
    assert "RuntimeError" in caplog.text
    assert "s3cret" not in caplog.text


async def test_a_hook_that_hangs_ends_with_the_transport() -> None:
    engine = FakeEngine()

    async def renew() -> AgoraCredentials:
        await asyncio.Event().wait()
        raise AssertionError

    transport = over(engine, renew_credentials=renew)
    await transport.connect(timeout=TIMEOUT)
    assert engine.events is not None
    engine.events.token_will_expire(None)
    engine.events.token_will_expire(None)
    await asyncio.sleep(0)
    await transport.close()
    assert engine.tokens == []
