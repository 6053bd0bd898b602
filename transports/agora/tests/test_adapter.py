import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from akool_agora import AgoraTransport, EngineError, EngineEvents, Room
from loopback_far import LoopbackFar, loopback_room
from pydantic import SecretStr

from akool_async.errors import (
    AvatarAbsentError,
    DisconnectedError,
    InvalidParameterError,
    JoinError,
    JoinRefusedError,
    JoinTimeoutError,
    MessageTooLargeError,
    SendError,
)
from akool_async.models.credentials import AgoraCredentials, LiveKitCredentials
from akool_async.simulator.agora_room import AgoraRoom
from akool_async.testing.conformance import PATIENCE, next_packet, the_end, until
from akool_async.transport import ConnectionChange, ConnectionState, JoinTarget

OPTIONS = {"engine": "loopback"}


@pytest_asyncio.fixture
async def far() -> AsyncIterator[LoopbackFar]:
    async with loopback_room("agora") as room:
        yield room


@asynccontextmanager
async def joined(
    far: LoopbackFar, *, options: dict[str, Any] | None = None, **target: Any
) -> AsyncIterator[AgoraTransport]:
    transport = AgoraTransport(replace(far.target, **target), options or OPTIONS)
    try:
        await transport.connect(timeout=PATIENCE)
        yield transport
    finally:
        await transport.close()


def new_token(far: LoopbackFar) -> AgoraCredentials:
    assert isinstance(far.room, AgoraRoom)
    return AgoraCredentials.model_validate({**far.access, "agora_token": far.room.new_token()})


async def next_change(transport: AgoraTransport, state: ConnectionState) -> ConnectionChange:
    async with asyncio.timeout(PATIENCE):
        while True:
            item = await transport.receive()
            if isinstance(item, ConnectionChange) and item.state is state:
                return item


class FakeEngine:
    """An engine of somebody's: does what it is told and remembers what was asked."""

    def __init__(self, *answers: int, **told: Any) -> None:
        self.answers = list(answers)
        self.told = told
        self.sent: list[bytes] = []
        self.left = 0
        self.rooms: list[Room] = []
        self.tokens: list[str] = []
        self.events: EngineEvents | None = None

    async def join(self, room: Room, events: EngineEvents) -> None:
        self.rooms.append(room)
        self.events = events
        if "hang" in self.told:
            await asyncio.Event().wait()
        if "join" in self.told:
            raise EngineError(self.told["join"])
        if "absent" not in self.told:
            events.user_joined("9")

    async def send(self, packet: bytes) -> None:
        if "stuck" in self.told:
            await asyncio.Event().wait()
        if self.answers and (code := self.answers.pop(0)):
            raise EngineError(code)
        self.sent.append(packet)

    async def renew_token(self, token: str) -> None:
        self.tokens.append(token)
        if "renew" in self.told:
            raise EngineError(self.told["renew"])

    async def leave(self) -> None:
        self.left += 1
        while "deaf" in self.told and not self.told["deaf"].is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.told["deaf"].wait()
        if "stays" in self.told:
            await asyncio.Event().wait()
        if "leave" in self.told:
            raise EngineError(self.told["leave"])


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


def test_credentials_of_another_room_are_refused() -> None:
    target = JoinTarget(LiveKitCredentials(livekit_url="ws://127.0.0.1"))
    with pytest.raises(InvalidParameterError, match="LiveKitCredentials"):
        AgoraTransport(target, OPTIONS)


def test_a_room_of_ones_own_needs_the_avatars_uid() -> None:
    with pytest.raises(InvalidParameterError) as raised:
        over(FakeEngine(), own_room=True)
    assert raised.value.field == "avatar_uid"


async def test_the_engine_gets_the_credentials() -> None:
    engine = FakeEngine()
    transport = over(engine)
    await transport.connect(timeout=PATIENCE)
    assert engine.rooms == [Room("a", "c", 1, "t0ken")]
    assert "t0ken" not in repr(engine.rooms)
    await transport.close()


# Joining


async def test_five_minutes_are_over(far: LoopbackFar) -> None:
    await far.room.fault("expire_token")
    transport = AgoraTransport(far.target, OPTIONS)
    with pytest.raises(JoinRefusedError, match="five minutes") as raised:
        await transport.connect(timeout=PATIENCE)
    assert not raised.value.retryable
    assert isinstance(raised.value.__cause__, EngineError)


async def test_an_expired_token_is_replaced_where_somebody_can(far: LoopbackFar) -> None:
    await far.room.fault("expire_token")
    asked = 0

    async def renew() -> AgoraCredentials:
        nonlocal asked
        asked += 1
        return new_token(far)

    async with joined(far, renew_credentials=renew) as transport:
        await transport.send(b"1", timeout=PATIENCE)
        assert await far.wait_received(1) == [b"1"]
    assert asked == 1


async def test_a_bad_token_is_refused(far: LoopbackFar) -> None:
    far.access["agora_token"] = "another"
    transport = AgoraTransport(far.target, OPTIONS)
    with pytest.raises(JoinRefusedError, match="token is invalid"):
        await transport.connect(timeout=PATIENCE)


async def test_a_relay_that_is_not_there() -> None:
    async with loopback_room("agora") as far:
        target = far.target
    transport = AgoraTransport(target, OPTIONS)
    with pytest.raises(JoinError) as raised:
        await transport.connect(timeout=PATIENCE)
    assert raised.value.retryable


async def test_an_absent_avatar() -> None:
    engine = FakeEngine(absent=True)
    transport = over(engine)
    with pytest.raises(AvatarAbsentError, match=r"avatar didn't come in 0\.05 s"):
        await transport.connect(timeout=0.05)
    assert engine.left == 1


async def test_a_join_that_takes_too_long() -> None:
    engine = FakeEngine(hang=True)
    transport = over(engine)
    with pytest.raises(JoinTimeoutError, match=r"0\.05 s"):
        await transport.connect(timeout=0.05)
    assert engine.left == 1


async def test_a_cancelled_join_leaves() -> None:
    engine = FakeEngine(hang=True)
    connecting = asyncio.create_task(over(engine).connect(timeout=PATIENCE))
    await until(lambda: bool(engine.rooms), "the join")
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert engine.left == 1


async def test_closed_before_it_connects() -> None:
    transport = over(FakeEngine())
    await transport.close()
    with pytest.raises(DisconnectedError) as raised:
        await transport.connect(timeout=PATIENCE)
    assert raised.value.reason == "closed"


# Sending


async def test_too_large_is_refused_before_it_is_sent() -> None:
    engine = FakeEngine()
    transport = over(engine)
    await transport.connect(timeout=PATIENCE)
    with pytest.raises(MessageTooLargeError) as raised:
        await transport.send(b"x" * 1001, timeout=PATIENCE)
    assert (raised.value.size, raised.value.limit) == (1001, 1000)
    assert engine.sent == []
    await transport.close()


@pytest.mark.parametrize("code", [-12, -115, -113])
async def test_what_was_refused_for_now_is_tried_again(code: int) -> None:
    engine = FakeEngine(code, code, 0)
    transport = over(engine)
    await transport.connect(timeout=PATIENCE)
    await transport.send(b"1", timeout=PATIENCE)
    assert engine.sent == [b"1"]
    assert transport.stats.packets_sent == 1
    await transport.close()


@pytest.mark.parametrize("code", [-2, -114])
async def test_what_is_refused_for_good_is_not(code: int) -> None:
    engine = FakeEngine(code)
    transport = over(engine)
    await transport.connect(timeout=PATIENCE)
    with pytest.raises(SendError) as raised:
        await transport.send(b"1", timeout=PATIENCE)
    assert (raised.value.code, raised.value.retryable) == (code, False)
    assert transport.stats.packets_sent == 0
    await transport.close()


async def test_refused_until_the_time_is_up() -> None:
    transport = over(FakeEngine(*[-12] * 1000))
    await transport.connect(timeout=PATIENCE)
    with pytest.raises(SendError) as raised:
        await transport.send(b"1", timeout=0.12)
    assert (raised.value.code, raised.value.retryable) == (-12, True)
    await transport.close()


async def test_an_engine_that_takes_nothing() -> None:
    transport = over(FakeEngine(stuck=True))
    await transport.connect(timeout=PATIENCE)
    with pytest.raises(SendError, match=r"0\.05 s"):
        await transport.send(b"1", timeout=0.05)
    await transport.close()


async def test_a_flood_is_slowed_down_by_refusals(far: LoopbackFar) -> None:
    async with joined(far) as transport:
        for n in range(8):
            await transport.send(b"%d" % n * 900, timeout=PATIENCE)
        assert len(await far.wait_received(8)) == 8
    assert far.room.refused[-115] > 0


# What happens to the connection


async def test_banned(far: LoopbackFar) -> None:
    async with joined(far) as transport:
        await far.room.fault("ban")
        assert (await the_end(transport)).reason == "banned"
        with pytest.raises(DisconnectedError) as raised:
            await transport.send(b"1", timeout=PATIENCE)
        assert raised.value.reason == "banned"


async def test_the_same_uid_joins_from_elsewhere(far: LoopbackFar) -> None:
    async with joined(far) as first, joined(far) as second:
        error = await the_end(first)
        assert (error.reason, error.retryable) == ("same_identity", True)
        await second.send(b"1", timeout=PATIENCE)
        assert await far.wait_received(1) == [b"1"]


async def test_the_avatar_leaves_and_comes_back(far: LoopbackFar) -> None:
    async with joined(far) as transport:
        await far.room.fault("avatar_leaves")
        await next_change(transport, ConnectionState.AVATAR_LEFT)
        await far.room.fault("avatar_returns")
        await next_change(transport, ConnectionState.AVATAR_BACK)


async def test_a_stranger_in_a_room_of_ones_own() -> None:
    avatar = {"agora_uid": 77, "agora_channel": "mine", "agora_token": "a"}
    async with loopback_room("agora", own_room=avatar) as far:
        far.access |= {"agora_uid": 5, "agora_token": "b", "agora_app_id": "app"}
        options = {**OPTIONS, "avatar_uid": 77}
        async with joined(far, options=options, own_room=True) as transport:
            await far.room.fault("stranger", packet=b"evil", identity="666")
            await next_change(transport, ConnectionState.STRANGER)
            await far.send(b"good")
            assert await next_packet(transport) == b"good"
            assert transport.stats.dropped == {"stranger": 1}


async def test_a_silent_room_is_joined_anew(far: LoopbackFar) -> None:
    renewed: list[AgoraCredentials] = []

    async def renew() -> AgoraCredentials:
        renewed.append(new_token(far))
        return renewed[-1]

    async with joined(far, renew_credentials=renew) as transport:
        await transport.reconnect(timeout=PATIENCE)
        await next_change(transport, ConnectionState.RECONNECTING)
        change = await next_change(transport, ConnectionState.RECONNECTED)
        assert change.lossy
        await far.send(b"back")
        assert await next_packet(transport) == b"back"
    assert len(renewed) == 1


async def test_a_room_that_cannot_be_joined_anew_is_gone(far: LoopbackFar) -> None:
    async with joined(far) as transport:
        await far.refuse()
        with pytest.raises(DisconnectedError, match="token is invalid") as raised:
            await transport.reconnect(timeout=PATIENCE)
        assert raised.value.reason == "connection_lost"
        assert (await the_end(transport)).reason == "connection_lost"


# Tokens


async def test_without_a_hook_an_expiring_token_is_an_event(far: LoopbackFar) -> None:
    async with joined(far) as transport:
        await far.room.fault("token_will_expire", seconds=0.2)
        change = await next_change(transport, ConnectionState.TOKEN_EXPIRING)
        assert change.seconds_left == 0.2
        assert (await the_end(transport)).reason == "token_expired"


async def test_the_hook_renews_the_token(far: LoopbackFar) -> None:
    async def renew() -> AgoraCredentials:
        return new_token(far)

    async with joined(far, renew_credentials=renew) as transport:
        await far.room.fault("token_will_expire", seconds=0.3)
        await next_change(transport, ConnectionState.TOKEN_EXPIRING)
        await until(lambda: not far.room.unrenewed, "the new token")  # type: ignore[attr-defined]
        await asyncio.sleep(0.4)
        await transport.send(b"still here", timeout=PATIENCE)
        assert await far.wait_received(1) == [b"still here"]


async def test_a_failing_hook_is_told_and_its_text_is_not(
    far: LoopbackFar, caplog: pytest.LogCaptureFixture
) -> None:
    async def renew() -> AgoraCredentials:
        raise RuntimeError("the token is s3cret")

    async with joined(far, renew_credentials=renew) as transport:
        with caplog.at_level(logging.DEBUG):
            await far.room.fault("token_will_expire", seconds=20)
            await next_change(transport, ConnectionState.TOKEN_EXPIRING)
            told = await next_change(transport, ConnectionState.TOKEN_EXPIRING)
    assert told.reason == "renewing the token failed (RuntimeError)"
    assert "RuntimeError" in caplog.text
    assert "s3cret" not in caplog.text


async def test_a_hook_that_hangs_ends_with_the_transport() -> None:
    engine = FakeEngine()

    async def renew() -> AgoraCredentials:
        await asyncio.Event().wait()
        raise AssertionError

    transport = over(engine, renew_credentials=renew)
    await transport.connect(timeout=PATIENCE)
    assert engine.events is not None
    engine.events.token_will_expire(None)
    engine.events.token_will_expire(None)
    await asyncio.sleep(0)
    await transport.close()
    assert engine.tokens == []


# Closing


async def test_an_engine_that_does_not_leave_is_given_up() -> None:
    engine = FakeEngine(stays=True)
    transport = over(engine)
    await transport.connect(timeout=PATIENCE)
    async with asyncio.timeout(PATIENCE):
        await transport.close(timeout=0.05)
    assert engine.left == 1


async def test_an_engine_that_ignores_being_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    engine = FakeEngine(deaf=asyncio.Event())
    transport = over(engine)
    await transport.connect(timeout=PATIENCE)
    async with asyncio.timeout(PATIENCE):
        await transport.close(timeout=0.05)
    assert "didn't leave" in caplog.text
    engine.told["deaf"].set()


async def test_an_engine_that_fails_to_leave_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    transport = over(FakeEngine(leave=-1))
    await transport.connect(timeout=PATIENCE)
    await transport.close()
    assert "leaving the Agora channel failed: EngineError" in caplog.text


async def test_the_avatar_learns_that_we_left(far: LoopbackFar) -> None:
    async with joined(far):
        assert len(far.events.present) == 1
    await until(lambda: not far.events.present, "our leaving")
