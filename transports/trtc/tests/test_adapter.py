import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from akool_trtc import EngineError, EngineEvents, Room, TRTCTransport
from loopback_far import LoopbackFar, loopback_room

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
from akool_async.models.credentials import LiveKitCredentials, TRTCCredentials
from akool_async.testing.conformance import PATIENCE, next_packet, the_end, until
from akool_async.transport import ConnectionChange, ConnectionState, JoinTarget

OPTIONS = {"engine": "loopback"}


@pytest_asyncio.fixture
async def far() -> AsyncIterator[LoopbackFar]:
    async with loopback_room("trtc") as room:
        yield room


@asynccontextmanager
async def joined(
    far: LoopbackFar, *, options: dict[str, Any] | None = None, **target: Any
) -> AsyncIterator[TRTCTransport]:
    transport = TRTCTransport(replace(far.target, **target), options or OPTIONS)
    try:
        await transport.connect(timeout=PATIENCE)
        yield transport
    finally:
        await transport.close()


async def next_change(transport: TRTCTransport, state: ConnectionState) -> ConnectionChange:
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

    async def join(self, room: Room, events: EngineEvents) -> None:
        self.rooms.append(room)
        if "hang" in self.told:
            await asyncio.Event().wait()
        if "join" in self.told:
            raise EngineError(self.told["join"])
        if "absent" not in self.told:
            events.user_joined("avatar")

    async def send(self, packet: bytes) -> None:
        if "stuck" in self.told:
            await asyncio.Event().wait()
        if self.answers and (code := self.answers.pop(0)):
            raise EngineError(code)
        self.sent.append(packet)

    async def leave(self) -> None:
        self.left += 1
        while "deaf" in self.told and not self.told["deaf"].is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.told["deaf"].wait()
        if "stays" in self.told:
            await asyncio.Event().wait()
        if "leave" in self.told:
            raise EngineError(self.told["leave"])


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


def test_credentials_of_another_room_are_refused() -> None:
    target = JoinTarget(LiveKitCredentials(livekit_url="ws://127.0.0.1"))
    with pytest.raises(InvalidParameterError, match="LiveKitCredentials"):
        TRTCTransport(target, OPTIONS)


def test_a_room_of_ones_own_needs_the_avatars_id() -> None:
    with pytest.raises(InvalidParameterError) as raised:
        over(FakeEngine(), own_room=True)
    assert raised.value.field == "avatar_user_id"


async def test_the_engine_gets_the_credentials_with_a_string_room_id() -> None:
    engine = FakeEngine()
    transport = over(engine)
    await transport.connect(timeout=PATIENCE)
    assert engine.rooms == [Room(1, "77", "me", "s1g")]
    assert "s1g" not in repr(engine.rooms)
    await transport.close()


# Joining


async def test_a_bad_signature_is_refused(far: LoopbackFar) -> None:
    far.access["trtc_user_sig"] = "another"
    with pytest.raises(JoinRefusedError, match="userSig"):
        await TRTCTransport(far.target, OPTIONS).connect(timeout=PATIENCE)


async def test_a_relay_that_is_not_there() -> None:
    async with loopback_room("trtc") as far:
        target = far.target
    with pytest.raises(JoinError) as raised:
        await TRTCTransport(target, OPTIONS).connect(timeout=PATIENCE)
    assert raised.value.retryable


async def test_an_absent_avatar() -> None:
    engine = FakeEngine(absent=True)
    with pytest.raises(AvatarAbsentError, match=r"avatar didn't come in 0\.05 s"):
        await over(engine).connect(timeout=0.05)
    assert engine.left == 1


async def test_a_join_that_takes_too_long() -> None:
    engine = FakeEngine(hang=True)
    with pytest.raises(JoinTimeoutError, match=r"0\.05 s"):
        await over(engine).connect(timeout=0.05)
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


async def test_what_is_not_allowed_now_is_tried_again() -> None:
    engine = FakeEngine(5100, 5100, 0)
    transport = over(engine)
    await transport.connect(timeout=PATIENCE)
    await transport.send(b"1", timeout=PATIENCE)
    assert engine.sent == [b"1"]
    await transport.close()


@pytest.mark.parametrize("code", [5000, 5400, 5500])
async def test_other_refusals_are_raised_at_once(code: int) -> None:
    engine = FakeEngine(code)
    transport = over(engine)
    await transport.connect(timeout=PATIENCE)
    with pytest.raises(SendError) as raised:
        await transport.send(b"1", timeout=PATIENCE)
    assert raised.value.code == code
    assert (engine.sent, transport.stats.packets_sent) == ([], 0)
    await transport.close()


async def test_refused_until_the_time_is_up() -> None:
    transport = over(FakeEngine(*[5100] * 1000))
    await transport.connect(timeout=PATIENCE)
    with pytest.raises(SendError) as raised:
        await transport.send(b"1", timeout=0.12)
    assert (raised.value.code, raised.value.retryable) == (5100, True)
    await transport.close()


async def test_an_engine_that_takes_nothing() -> None:
    transport = over(FakeEngine(stuck=True))
    await transport.connect(timeout=PATIENCE)
    with pytest.raises(SendError, match=r"0\.05 s"):
        await transport.send(b"1", timeout=0.05)
    await transport.close()


async def test_a_flood_is_slowed_down_by_refusals(far: LoopbackFar) -> None:
    async with joined(far) as transport:
        for n in range(10):
            await transport.send(b"%d" % n * 900, timeout=PATIENCE)
        assert [p[:1] for p in await far.wait_received(10)] == [b"%d" % n for n in range(10)]
    assert far.room.refused[5100] > 0


# What happens to the connection


@pytest.mark.parametrize(
    ("code", "reason"), [("banned", "banned"), ("kick", "same_identity"), ("zzz", "zzz")]
)
async def test_thrown_out(far: LoopbackFar, code: str, reason: str) -> None:
    async with joined(far) as transport:
        await far.room.fault("disconnect", code=code)
        assert (await the_end(transport)).reason == reason
        with pytest.raises(DisconnectedError) as raised:
            await transport.send(b"1", timeout=PATIENCE)
        assert raised.value.reason == reason


async def test_the_same_user_joins_from_elsewhere(far: LoopbackFar) -> None:
    async with joined(far) as first, joined(far) as second:
        assert (await the_end(first)).reason == "same_identity"
        await second.send(b"1", timeout=PATIENCE)
        assert await far.wait_received(1) == [b"1"]


async def test_the_avatar_leaves_and_comes_back(far: LoopbackFar) -> None:
    async with joined(far) as transport:
        await far.room.fault("avatar_leaves")
        await next_change(transport, ConnectionState.AVATAR_LEFT)
        await far.room.fault("avatar_returns")
        await next_change(transport, ConnectionState.AVATAR_BACK)


async def test_a_stranger_in_a_room_of_ones_own() -> None:
    avatar = {
        "trtc_sdk_app_id": 1,
        "trtc_sdk_room_id": "mine",
        "trtc_sdk_user_id": "avatar",
        "trtc_sdk_user_sig": "a",
    }
    async with loopback_room("trtc", own_room=avatar) as far:
        far.access |= {"trtc_sdk_user_id": "me", "trtc_sdk_user_sig": "b"}
        options = {**OPTIONS, "avatar_user_id": "avatar"}
        async with joined(far, options=options, own_room=True) as transport:
            await far.room.fault("stranger", packet=b"evil", identity="666")
            await next_change(transport, ConnectionState.STRANGER)
            await far.send(b"good")
            assert await next_packet(transport) == b"good"
            assert transport.stats.dropped == {"stranger": 1}


async def test_a_silent_room_is_joined_anew(far: LoopbackFar) -> None:
    async with joined(far) as transport:
        await transport.reconnect(timeout=PATIENCE)
        await next_change(transport, ConnectionState.RECONNECTING)
        assert (await next_change(transport, ConnectionState.RECONNECTED)).lossy
        await far.send(b"back")
        assert await next_packet(transport) == b"back"


async def test_a_room_that_cannot_be_joined_anew_is_gone(far: LoopbackFar) -> None:
    async with joined(far) as transport:
        await far.refuse()
        with pytest.raises(DisconnectedError, match="userSig") as raised:
            await transport.reconnect(timeout=PATIENCE)
        assert raised.value.reason == "connection_lost"
        assert (await the_end(transport)).reason == "connection_lost"


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
    transport = over(FakeEngine(leave=5500))
    await transport.connect(timeout=PATIENCE)
    await transport.close()
    assert "leaving the TRTC room failed: EngineError" in caplog.text


async def test_the_avatar_learns_that_we_left(far: LoopbackFar) -> None:
    async with joined(far):
        assert len(far.events.present) == 1
    await until(lambda: not far.events.present, "our leaving")
