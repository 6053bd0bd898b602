"""A voice that no one hears takes its time all the same."""

from __future__ import annotations

import asyncio

import pytest

from akool_async.simulator.clock import Clock
from akool_async.simulator.meeting.output import SilentOutput


async def test_it_takes_a_fifth_of_a_second_ahead() -> None:
    clock = Clock(running=False)
    output = SilentOutput(clock)
    await output.begin(8_000, 1)
    await output.write(bytes(3_200))
    assert output.queued == pytest.approx(0.2)
    waiting = asyncio.create_task(output.write(bytes(1_600)))
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.advance(0.11)
    await waiting
    drained = asyncio.create_task(output.drain())
    await asyncio.sleep(0)
    assert not drained.done()
    output.clear()
    assert output.queued == 0
    clock.advance(0.3)
    await drained
