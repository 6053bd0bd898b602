"""How fast things leave at a vendor's limits: the sender, the adapter and the relay together."""

import asyncio
import json

import pytest
from akool_agora.loopback import LoopbackEngine as AgoraLoopback
from akool_trtc.loopback import LoopbackEngine as TRTCLoopback

from akool_async import AkoolClient
from akool_async.simulator import Simulator
from akool_async.simulator.rooms.relay.room import RelayRoom
from akool_async.stream.limits import AGORA, TRTC, PacketLimits
from akool_async.testing.conformance import TIMEOUT, until

AVATAR = "dvp_Tristan_cloth2_1080P"


@pytest.mark.parametrize(("kind", "limits"), [("agora", AGORA), ("trtc", TRTC)])
async def test_an_interrupt_passes_a_hundred_kilobytes(
    kind: str, limits: PacketLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = AgoraLoopback if kind == "agora" else TRTCLoopback
    original = engine.send
    loop = asyncio.get_running_loop()
    sent: list[tuple[float, str]] = []

    async def send(self: object, packet: bytes) -> None:
        message = json.loads(packet)
        sent.append((loop.time(), message["pld"].get("cmd") or message["type"]))
        await original(self, packet)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "send", send)
    async with (
        Simulator() as sim,
        AkoolClient("a-key", base_url=sim.url) as akool,
        akool.open_session(AVATAR, stream_type=kind) as avatar,
    ):
        asking = asyncio.create_task(avatar.ask("question " * 12_000))
        await until(lambda: len(sent) > 8, "the limit to be reached")
        before = len(sent)
        asked = loop.time()
        async with asyncio.timeout(TIMEOUT):
            await avatar.interrupt()
        at = next(at for at, what in sent[before:] if what == "interrupt")
        # Two packet intervals are the promise; the rest is a busy machine's.
        assert limits.bytes_per_second is not None
        assert at - asked < 2 * limits.max_bytes / limits.bytes_per_second + 0.5
        passed = [what for _, what in sent[before:]]
        assert passed.index("interrupt") <= 2
        asking.cancel()
        await asyncio.wait({asking})
        assert avatar.info.session_id is not None
        room = sim.room(avatar.info.session_id)
        assert isinstance(room, RelayRoom)
        assert not room.refused
