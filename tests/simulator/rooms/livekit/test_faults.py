from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from livekit.protocol import models as pb
from livekit_peer import SimulatedPeer

from akool_async.simulator.rooms.livekit.faults import Gate


def status(gate: Gate) -> int:
    with pytest.raises(web.HTTPException) as caught:
        gate.check()
    return caught.value.status


async def test_an_open_gate_lets_in() -> None:
    gate = Gate()
    gate.check()
    await gate.wait()
    assert not gate.closed


async def test_refusals_are_counted() -> None:
    gate = Gate()
    gate.status, gate.times = 502, 2
    assert [status(gate), status(gate)] == [502, 502]
    gate.check()


async def test_expired_tokens_and_a_room_that_is_gone() -> None:
    gate = Gate()
    gate.expired = True
    assert status(gate) == 401
    gate.close()
    assert status(gate) == 404


@pytest.mark.virtual_clock
async def test_who_waits_is_let_in_after_it_and_refused_when_the_room_ends() -> None:
    gate = Gate()
    gate.silence = 60
    loop = asyncio.get_running_loop()
    began = loop.time()
    await gate.wait()
    assert loop.time() - began >= 60
    waiting = asyncio.create_task(gate.wait())
    await asyncio.sleep(1)
    gate.close()
    with pytest.raises(web.HTTPNotFound):
        await waiting
    assert loop.time() - began < 70


async def test_an_unknown_fault_lists_the_known_ones() -> None:
    async with SimulatedPeer() as room:
        for name in ("no_such_fault", "make", "_room"):
            with pytest.raises(ValueError, match="it knows avatar_active, avatar_leaves"):
                await room.fault(name)


async def test_faults_of_who_is_in_the_room() -> None:
    async with SimulatedPeer() as room:
        hub, avatar = room.sim.hub, room.sim.avatar.grants.identity
        await room.fault("avatar_leaves")
        assert avatar not in hub.occupants
        await room.fault("avatar_returns", active=False)
        assert hub.occupants[avatar].state == pb.ParticipantInfo.State.JOINED
        await room.fault("avatar_active")
        assert hub.occupants[avatar].active
        await room.fault("stranger_joins", announce_after=None)
        assert not hub.occupants["stranger"].announced
        await room.fault("stranger_sends", data=b"hello", to=[avatar])
        assert room.events.packets == [(b"hello", "stranger")]
        await room.fault("stranger_leaves")
        assert "stranger" not in hub.occupants
        await room.fault("silence")
        assert hub.silent
        await room.fault("silence", on=False)
        assert not hub.silent


async def test_faults_of_joining() -> None:
    async with SimulatedPeer() as room:
        gate = room.sim.gate
        await room.fault("refuse_join", status=429, times=1)
        assert status(gate) == 429
        await room.fault("expire_tokens")
        assert status(gate) == 401
        await room.fault("expire_tokens", expired=False)
        gate.check()
        await room.fault("close_room")
        assert status(gate) == 404
