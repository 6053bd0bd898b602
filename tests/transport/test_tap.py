"""A transport whose packets are noted."""

from __future__ import annotations

import pytest

from akool_async import AkoolClient
from akool_async.simulator import Simulator
from akool_async.transport import Transport, load_transport, tapped


@pytest.mark.virtual_clock
@pytest.mark.parametrize("kind", ["agora", "chatroom"])
async def test_packets_are_noted_in_both_directions(kind: str) -> None:
    noted: list[tuple[str, bytes]] = []
    transport = tapped(load_transport(kind), lambda way, packet: noted.append((way, packet)))
    fields = (
        {"avatar_id": "Kai_1080P_back", "legacy": True}
        if kind == "chatroom"
        else {"avatar_id": "dvp_Tristan_cloth2_1080P", "stream_type": kind}
    )
    async with (
        Simulator() as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(transport=transport, **fields) as avatar,
    ):
        await avatar.ask("hello", timeout=20)
        stats = avatar.stats
        counted = {way: [data for its, data in noted if its == way] for way in ("sent", "received")}
        assert len(counted["sent"]) == stats.packets_sent > 0
        assert len(counted["received"]) == stats.packets_received > 0
        heard = {packet.data for packet in sim.packets if packet.direction == "in"}
        assert set(counted["sent"]) == heard


def test_it_is_the_same_kind_of_transport() -> None:
    found = load_transport("agora")
    made = tapped(found, lambda *_: None)
    assert issubclass(made, found)
    assert issubclass(made, Transport)
    assert (made.name, made.dialect) == (found.name, found.dialect)
    assert made is not found
