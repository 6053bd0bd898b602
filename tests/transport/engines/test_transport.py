"""What every transport over an engine does; with a vendor that there isn't."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import pytest
from fake_engine import FakeEngine
from loopback_peer import connected, next_change

from akool_async.errors import (
    AvatarAbsentError,
    DisconnectedError,
    InvalidParameterError,
    JoinError,
    JoinTimeoutError,
    MessageTooLargeError,
    SendError,
)
from akool_async.media import MediaCapabilities
from akool_async.models.credentials import AgoraCredentials
from akool_async.stream.limits import PacketLimits
from akool_async.testing.conformance import TIMEOUT, next_packet, the_end, until
from akool_async.transport import ConnectionState, JoinTarget, TransportStats
from akool_async.transport.engines.engine import EngineError
from akool_async.transport.engines.participants import ParticipantTracker
from akool_async.transport.engines.transport import EngineTransport

BUSY = 1
BROKEN = 2
CREDENTIALS = AgoraCredentials(agora_uid=1, agora_channel="c")


@runtime_checkable
class Engine(Protocol):
    """The vendor's protocol."""

    async def join(self, room: str, events: ParticipantTracker) -> None: ...
    async def send(self, packet: bytes) -> None: ...
    async def leave(self) -> None: ...


class Radio(EngineTransport):
    """A vendor's transport, as small as it gets."""

    name = "radio"
    vendor = "Radio"
    place = "station"
    limits = PacketLimits(1000)
    _engine: Engine

    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        stats = TransportStats()
        self._use(options["engine"], ParticipantTracker(stats, own_id="1", avatar_id=None), stats)

    async def _enter(self) -> None:
        await self._engine.join("room", self._participants)

    def _join_error(self, error: EngineError) -> JoinError:
        return JoinError(f"no entry ({error.code})")

    def _send_error(self, error: EngineError) -> SendError:
        return SendError("not taken", code=error.code, retryable=error.code == BUSY)

    def _refused_for_now(self, error: EngineError) -> bool:
        return error.code == BUSY


def over(engine: FakeEngine) -> Radio:
    return Radio(JoinTarget(CREDENTIALS), {"engine": engine})


# Joining


async def test_a_refused_join_is_reported_in_the_vendors_words() -> None:
    engine = FakeEngine(join=7)
    with pytest.raises(JoinError, match=r"no entry \(7\)") as raised:
        await over(engine).connect(timeout=TIMEOUT)
    assert isinstance(raised.value.__cause__, EngineError)
    assert engine.left == 1


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


async def test_a_cancelled_join_leaves() -> None:
    engine = FakeEngine(hang=True)
    connecting = asyncio.create_task(over(engine).connect(timeout=TIMEOUT))
    await until(lambda: bool(engine.rooms), "the join")
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert engine.left == 1


async def test_connecting_twice_is_an_error() -> None:
    engine = FakeEngine()
    async with connected(over(engine)) as transport:
        with pytest.raises(JoinError, match="before"):
            await transport.connect(timeout=TIMEOUT)
    assert engine.rooms == ["room"]


async def test_closed_while_it_connects() -> None:
    engine = FakeEngine(hang=True)
    transport = over(engine)
    connecting = asyncio.create_task(transport.connect(timeout=TIMEOUT))
    await until(lambda: bool(engine.rooms), "the join")
    await transport.close()
    with pytest.raises(DisconnectedError) as raised:
        await connecting
    assert raised.value.reason == "closed"
    assert not engine.inside


async def test_closed_while_an_engine_joins_that_ignores_it() -> None:
    engine = FakeEngine(deaf_join=asyncio.Event())
    transport = over(engine)
    connecting = asyncio.create_task(transport.connect(timeout=TIMEOUT))
    await until(lambda: bool(engine.rooms), "the join")
    await transport.close(timeout=0.1)
    engine.orders["deaf_join"].set()
    with pytest.raises(DisconnectedError):
        await connecting
    assert not engine.inside


async def test_too_few_files_may_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Radio, "files_per_join", 10_000_000)
    engine = FakeEngine()
    with pytest.raises(JoinError, match=r"Radio station takes .* raise the limit .*ulimit -n"):
        await over(engine).connect(timeout=TIMEOUT)
    assert engine.rooms == []


async def test_closed_before_it_connects() -> None:
    transport = over(FakeEngine())
    await transport.close()
    with pytest.raises(DisconnectedError) as raised:
        await transport.connect(timeout=TIMEOUT)
    assert raised.value.reason == "closed"


# Sending


async def test_too_large_is_refused_before_it_is_sent() -> None:
    engine = FakeEngine()
    async with connected(over(engine)) as transport:
        with pytest.raises(MessageTooLargeError) as raised:
            await transport.send(b"x" * 1001, timeout=TIMEOUT)
        assert (raised.value.size, raised.value.limit) == (1001, 1000)
    assert engine.sent == []


async def test_what_was_refused_for_now_is_tried_again() -> None:
    engine = FakeEngine(BUSY, BUSY, 0)
    async with connected(over(engine)) as transport:
        await transport.send(b"one", timeout=TIMEOUT)
        assert (transport.stats.packets_sent, transport.stats.bytes_sent) == (1, 3)
    assert engine.sent == [b"one"]


async def test_what_is_refused_for_good_is_not() -> None:
    engine = FakeEngine(BROKEN)
    async with connected(over(engine)) as transport:
        with pytest.raises(SendError) as raised:
            await transport.send(b"1", timeout=TIMEOUT)
        assert (raised.value.code, raised.value.retryable) == (BROKEN, False)
        assert (engine.sent, transport.stats.packets_sent) == ([], 0)


async def test_refused_until_the_time_is_up() -> None:
    async with connected(over(FakeEngine(*[BUSY] * 1000))) as transport:
        with pytest.raises(SendError) as raised:
            await transport.send(b"1", timeout=0.12)
        assert (raised.value.code, raised.value.retryable) == (BUSY, True)


async def test_an_engine_that_takes_nothing() -> None:
    async with connected(over(FakeEngine(stuck=True))) as transport:
        with pytest.raises(SendError, match=r"0\.05 s"):
            await transport.send(b"1", timeout=0.05)


async def test_after_the_end_sending_says_why() -> None:
    engine = FakeEngine()
    async with connected(over(engine)) as transport:
        engine.events.finish(DisconnectedError("out", reason="banned"))
        assert (await the_end(transport)).reason == "banned"
        with pytest.raises(DisconnectedError) as raised:
            await transport.send(b"1", timeout=TIMEOUT)
        assert raised.value.reason == "banned"
    assert engine.sent == []


# Joining again


async def test_a_silent_room_is_joined_again() -> None:
    engine = FakeEngine()
    async with connected(over(engine)) as transport:
        await transport.reconnect(timeout=TIMEOUT)
        assert (engine.left, engine.rooms) == (1, ["room", "room"])
        await next_change(transport, ConnectionState.RECONNECTING)
        assert (await next_change(transport, ConnectionState.RECONNECTED)).lossy
        engine.events.packet(b"back", "9")
        assert await next_packet(transport) == b"back"


@pytest.mark.parametrize(
    ("orders", "timeout", "words"),
    [({"join": 7}, TIMEOUT, r"no entry \(7\)"), ({"hang": True}, 0.05, "in time")],
)
async def test_a_room_that_cannot_be_rejoined_is_gone(
    orders: dict[str, Any], timeout: float, words: str
) -> None:
    engine = FakeEngine()
    async with connected(over(engine)) as transport:
        engine.orders = orders
        with pytest.raises(DisconnectedError, match=words) as raised:
            await transport.reconnect(timeout=timeout)
        assert raised.value.reason == "connection_lost"
        assert (await the_end(transport)).reason == "connection_lost"
        assert engine.left == 2


async def test_closed_while_it_rejoins() -> None:
    engine = FakeEngine()
    async with connected(over(engine)) as transport:
        engine.orders = {"hang": True}
        rejoining = asyncio.create_task(transport.reconnect(timeout=TIMEOUT))
        await until(lambda: len(engine.rooms) == 2, "the second join")
        await transport.close()
        with pytest.raises(DisconnectedError) as raised:
            await rejoining
        assert raised.value.reason == "closed"
        assert not engine.inside


async def test_a_cancelled_rejoin_is_the_end() -> None:
    engine = FakeEngine()
    async with connected(over(engine)) as transport:
        engine.orders = {"hang": True}
        rejoining = asyncio.create_task(transport.reconnect(timeout=TIMEOUT))
        await until(lambda: len(engine.rooms) == 2, "the second join")
        rejoining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rejoining
        assert (await the_end(transport)).reason == "connection_lost"
        assert not engine.inside


async def test_an_engine_that_fails_with_an_error_of_its_own_while_rejoining() -> None:
    engine = FakeEngine()
    async with connected(over(engine)) as transport:
        engine.orders = {"fails": RuntimeError("the token is s3cret")}
        with pytest.raises(DisconnectedError, match="RuntimeError") as raised:
            await transport.reconnect(timeout=TIMEOUT)
        assert "s3cret" not in str(raised.value)
        assert isinstance(raised.value.__cause__, RuntimeError)


async def test_a_rejoined_room_without_the_avatar_goes_on() -> None:
    engine = FakeEngine()
    async with connected(over(engine)) as transport:
        engine.orders = {"absent": True}
        await transport.reconnect(timeout=0.1)
        states = [await transport.receive() for _ in range(3)]
        assert [change.state for change in states if not isinstance(change, bytes)] == [
            ConnectionState.RECONNECTING,
            ConnectionState.RECONNECTED,
            ConnectionState.AVATAR_LEFT,
        ]
        engine.events.user_joined("9")
        await next_change(transport, ConnectionState.AVATAR_BACK)


# Closing


async def test_an_engine_that_does_not_leave_is_given_up() -> None:
    engine = FakeEngine(stays=True)
    transport = over(engine)
    await transport.connect(timeout=TIMEOUT)
    async with asyncio.timeout(TIMEOUT):
        await transport.close(timeout=0.05)
    assert engine.left == 1


async def test_an_engine_that_ignores_being_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    engine = FakeEngine(deaf=asyncio.Event())
    transport = over(engine)
    await transport.connect(timeout=TIMEOUT)
    async with asyncio.timeout(TIMEOUT):
        await transport.close(timeout=0.05)
    assert "didn't leave" in caplog.text
    engine.orders["deaf"].set()


async def test_an_engine_that_fails_to_leave_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with connected(over(FakeEngine(leave=BROKEN))):
        pass
    assert "leaving the Radio station failed: EngineError" in caplog.text


# Options


def test_an_option_that_is_not_known_is_named_with_those_that_are() -> None:
    Radio.check_option_names({"engine": 1, "simulator_url": 2})
    with pytest.raises(InvalidParameterError, match="takes engine, simulator_url only") as raised:
        Radio.check_option_names({"motor": 1})
    assert raised.value.field == "motor"


class Media:
    """An engine's media whose end fails, or doesn't come."""

    on_change = None
    capabilities = MediaCapabilities()

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1
        if self.error is not None:
            raise self.error
        await asyncio.Event().wait()


@pytest.mark.virtual_clock
@pytest.mark.parametrize("error", [RuntimeError("broken"), None], ids=["fails", "hangs"])
async def test_the_room_is_left_although_the_engines_media_does_not_end(
    error: Exception | None,
) -> None:
    engine: Any = FakeEngine()
    engine.media = media = Media(error)
    radio = Radio(JoinTarget(CREDENTIALS), {"engine": engine})
    assert radio.media is radio.media is not None
    async with asyncio.timeout(6):
        await radio.close(timeout=5.0)
    assert media.closed == 1
    assert engine.left == 1


async def test_an_engine_of_packets_has_no_media() -> None:
    assert Radio(JoinTarget(CREDENTIALS), {"engine": FakeEngine()}).media is None
