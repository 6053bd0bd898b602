"""What the avatar is sent of the pipeline's speech."""

from __future__ import annotations

from array import array

import pytest
from akool_pipecat.speech import Segment


async def spoken(rate: int, channels: int, seconds: float) -> bytes:
    segment = Segment(16_000)
    frame = bytes(2 * channels * (rate // 50))
    for _ in range(round(seconds * 50)):
        await segment.write(frame, rate, channels)
    await segment.end()
    return b"".join([piece async for piece in segment.read()])


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
async def test_every_sample_comes_out(rate: int) -> None:
    assert len(await spoken(rate, 1, 0.4)) == pytest.approx(0.4 * 32_000, abs=4)


async def test_two_channels_become_one() -> None:
    segment = Segment(16_000)
    await segment.write(array("h", [100, 300, -50, 51]).tobytes(), 16_000, 2)
    await segment.end()
    assert [array("h", piece).tolist() async for piece in segment.read()] == [[200, 0]]


async def test_nothing_was_said() -> None:
    assert await spoken(24_000, 1, 0.0) == b""
