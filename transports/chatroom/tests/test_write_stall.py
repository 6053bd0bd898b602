"""The watch over a line that doesn't take what is sent; what it does to a real one is in
`test_transport.py`."""

from __future__ import annotations

import asyncio

import pytest
from akool_chatroom.write_stall import WriteStallDetector


class Buffer:
    """The end of a line that the watch looks at."""

    def __init__(self, *unsent: int) -> None:
        self._unsent = list(unsent)
        self.aborted = False

    @property
    def unsent(self) -> int:
        """What is left, look by look; the last figure stays."""
        return self._unsent.pop(0) if len(self._unsent) > 1 else self._unsent[0]

    def abort(self) -> None:
        self.aborted = True


async def settled(watch: WriteStallDetector, line: Buffer) -> None:
    async with asyncio.timeout(20):
        while watch.watches(line):
            await asyncio.sleep(0.005)


async def test_a_line_that_nothing_leaves_is_aborted():
    watch, line = WriteStallDetector(0.01), Buffer(100)
    watch.begin(line)
    assert watch.watches(line)
    await settled(watch, line)
    assert line.aborted


async def test_a_slow_line_is_looked_at_again():
    watch, line = WriteStallDetector(0.01), Buffer(100, 80, 80, 60, 60, 0)
    watch.begin(line)
    await settled(watch, line)
    assert not line.aborted


async def test_a_line_that_gets_slower_and_stops_is_aborted():
    watch, line = WriteStallDetector(0.01), Buffer(100, 80, 80, 80)
    watch.begin(line)
    await settled(watch, line)
    assert line.aborted


@pytest.mark.parametrize("end", [True, False])
async def test_a_line_that_took_something_is_left_alone(end):
    watch, line, other = WriteStallDetector(0.01), Buffer(100), Buffer(100)
    watch.begin(line)
    if end:
        watch.end()
    else:
        watch.begin(other)  # the room was joined again
        assert watch.watches(other)
    assert not watch.watches(line)
    await asyncio.sleep(0.05)
    assert not line.aborted
    assert other.aborted is not end


async def test_a_second_late_send_does_not_put_it_off():
    watch, line = WriteStallDetector(0.05), Buffer(100)
    watch.begin(line)
    timer = watch._timer
    watch.begin(line)
    assert watch._timer is timer
    watch.end()
