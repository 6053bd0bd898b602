from __future__ import annotations

import asyncio

import pytest

from akool_async.simulator.rooms.relay.faults import RelayFaults
from akool_async.simulator.rooms.relay.joining import Refused

pytestmark = pytest.mark.virtual_clock


async def test_without_a_fault_nothing_is_in_the_way() -> None:
    faults = RelayFaults()
    faults.check_join()
    assert (faults.unreachable, faults.silent, faults.hangs, faults.next_send()) == (
        False,
        False,
        False,
        0,
    )


async def test_a_dropped_socket_can_stay_unreachable() -> None:
    faults = RelayFaults()
    faults.keep_away(0)
    assert not faults.unreachable
    faults.keep_away(5)
    assert faults.unreachable
    await asyncio.sleep(5)
    assert not faults.unreachable


async def test_silence_ends_by_itself() -> None:
    faults = RelayFaults()
    faults.silence(seconds=5)
    await asyncio.sleep(4.9)
    assert faults.silent
    await asyncio.sleep(0.1)
    assert not faults.silent


async def test_joins_are_refused_with_the_code_that_was_asked_for() -> None:
    faults = RelayFaults()
    faults.refuse_joins(code=8)
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            faults.check_join()
        assert caught.value.code == 8
    faults.hang()
    assert faults.hangs


async def test_packets_are_refused_as_often_as_asked_for_in_order() -> None:
    faults = RelayFaults()
    faults.refuse_sends(code=-12, times=2)
    faults.refuse_sends(code=-115)
    assert [faults.next_send() for _ in range(4)] == [-12, -12, -115, 0]
