import asyncio
import functools

from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.rooms.link import SimulatedLink
from akool_async.testing.conformance import until


async def test_a_perfect_line_delivers_at_once_and_in_order() -> None:
    for reliable in (True, False):
        got: list[int] = []
        link = SimulatedLink(NetworkConditions(), reliable=reliable)
        for n in range(3):
            link.carry(functools.partial(got.append, n))
        assert got == [0, 1, 2]


async def test_an_unreliable_line_loses_doubles_and_reorders() -> None:
    got: list[int] = []
    link = SimulatedLink(
        NetworkConditions(loss=0.2, double=0.2, reorder=0.2, reorder_delay=0.01), reliable=False
    )
    for n in range(200):
        link.carry(functools.partial(got.append, n))
    await until(lambda: not link.pending, "the last packet")
    assert len(set(got)) < 200
    assert len(got) > len(set(got))
    assert got != sorted(got)


async def test_a_reliable_line_only_delays() -> None:
    got: list[int] = []
    link = SimulatedLink(
        NetworkConditions(loss=0.1, double=0.2, reorder=0.2, reorder_delay=0.005, delay=0.001),
        reliable=True,
    )
    for n in range(200):
        link.carry(functools.partial(got.append, n))
    await until(lambda: not link.pending, "the last packet")
    assert got == list(range(200))


async def test_a_closed_line_delivers_nothing_more() -> None:
    for reliable in (True, False):
        got: list[int] = []
        link = SimulatedLink(NetworkConditions(delay=0.01), reliable=reliable)
        link.carry(functools.partial(got.append, 1))
        assert link.pending
        link.close()
        await asyncio.sleep(0.03)
        assert got == []
        assert not link.pending
