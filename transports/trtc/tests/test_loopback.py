import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from akool_trtc import EngineError, Room
from akool_trtc.loopback import LoopbackEngine
from loopback_far import LoopbackFar, loopback_room

from akool_async.testing.conformance import until


class Told:
    """An `EngineEvents` that remembers."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args: self.events.append((name, *args))

    async def wait(self, *event: object) -> None:
        await until(lambda: event in self.events, f"{event}")


@pytest_asyncio.fixture
async def far() -> AsyncIterator[LoopbackFar]:
    async with loopback_room("trtc") as room:
        yield room


def room_of(far: LoopbackFar) -> Room:
    access = far.access
    return Room(
        access["trtc_app_id"],
        access["trtc_room_id"],
        access["trtc_user_id"],
        access["trtc_user_sig"],
    )


@asynccontextmanager
async def joined(
    far: LoopbackFar, told: Told, *, give_up_after: float = 20.0
) -> AsyncIterator[LoopbackEngine]:
    engine = LoopbackEngine(far.room.base_url, give_up_after=give_up_after)
    try:
        await engine.join(room_of(far), told)
        yield engine
    finally:
        await engine.leave()


async def test_who_is_there_first_is_told(far: LoopbackFar) -> None:
    told = Told()
    async with joined(far, told):
        assert told.events == [("user_joined", far.room.avatar)]


async def test_a_break_is_mended_and_who_went_meanwhile_is_told(far: LoopbackFar) -> None:
    told = Told()
    async with joined(far, told) as engine:
        await far.room.fault("drop_socket", refuse_for=0.15)
        await until(lambda: not far.room.members, "the break")
        await far.room.fault("avatar_leaves")
        await told.wait("user_left", far.room.avatar)
        names = [name for name, *_ in told.events]
        assert names == ["user_joined", "reconnecting", "reconnected", "user_left"]
        await engine.send(b"mended")
    assert far.events.history[:1] == [f"+{room_identity(far)}"]
    assert len(far.events.history) <= 2


def room_identity(far: LoopbackFar) -> str:
    return str(far.access["trtc_user_id"])


async def test_a_break_that_is_not_mended_is_the_end(far: LoopbackFar) -> None:
    told = Told()
    async with joined(far, told, give_up_after=0.2) as engine:
        await far.room.fault("drop_socket", refuse_for=60)
        await told.wait("disconnected", "network")
        with pytest.raises(EngineError) as raised:
            await engine.send(b"1")
        assert raised.value.code == 5100
    assert told.events[-1][0] == "disconnected"


async def test_coming_back_may_be_refused(far: LoopbackFar) -> None:
    told = Told()
    async with joined(far, told):
        await far.room.fault("refuse_joins", code=5400)
        await far.drop()
        await told.wait("disconnected", "network")


async def test_a_packet_on_its_way_when_the_connection_breaks(far: LoopbackFar) -> None:
    told = Told()
    async with joined(far, told) as engine:
        sending = asyncio.create_task(engine.send(b"1"))
        await asyncio.sleep(0)
        await far.room.fault("drop_socket", refuse_for=0.1)
        with pytest.raises(EngineError) as raised:
            await sending
        assert raised.value.code == 5500


async def test_a_cancelled_send_does_not_mix_up_the_verdicts(far: LoopbackFar) -> None:
    async with joined(far, Told()) as engine:
        await far.room.fault("refuse_sends", code=5100)
        sending = asyncio.create_task(engine.send(b"1"))
        await asyncio.sleep(0)
        sending.cancel()
        await asyncio.wait({sending})
        await engine.send(b"2")
        assert await far.wait_received(1) == [b"2"]


async def test_the_relay_refuses_what_the_vendor_would(far: LoopbackFar) -> None:
    async with joined(far, Told()) as engine:
        for packet, code in ((b"", 5000), (b"x" * 1001, 5000)):
            with pytest.raises(EngineError) as raised:
                await engine.send(packet)
            assert raised.value.code == code
        for _ in range(8):
            await engine.send(b"x" * 1000)
        with pytest.raises(EngineError) as raised:
            await engine.send(b"x" * 1000)
        assert raised.value.code == 5100


async def test_a_join_while_the_relay_is_silent_can_be_cancelled(far: LoopbackFar) -> None:
    await far.hang()
    engine = LoopbackEngine(far.room.base_url)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await engine.join(room_of(far), Told())
    await engine.leave()
    await engine.leave()


async def test_no_event_after_leaving(far: LoopbackFar) -> None:
    told = Told()
    async with joined(far, told) as engine:
        await engine.leave()
        before = list(told.events)
        await far.room.fault("avatar_leaves")
        await until(lambda: not far.events.present, "our leaving")
    assert told.events == before
