"""`media.playout`: waiting until everything was played ends in every case."""

from __future__ import annotations

import asyncio

import pytest

from akool_async.errors import SendError
from akool_async.media import AudioRequest
from akool_async.media.playout import wait_played
from akool_async.testing.in_memory_media import InMemoryAudioWriter

pytestmark = pytest.mark.virtual_clock

SECOND = b"\1\0" * 8000


class StuckWriter(InMemoryAudioWriter):
    """A room that plays nothing."""

    async def wait_for_playout(self) -> None:
        await asyncio.get_running_loop().create_future()


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_it_returns_when_all_was_played() -> None:
    writer = InMemoryAudioWriter(AudioRequest(8000), 2_000)
    await writer.write(SECOND)
    began = now()
    await wait_played(writer, lambda: 1)
    assert now() - began == pytest.approx(1.0, abs=0.01)


async def test_a_room_that_plays_nothing_is_an_error() -> None:
    writer = StuckWriter(AudioRequest(8000), 2_000)
    await writer.write(SECOND)
    with pytest.raises(SendError, match=r"didn't play what was written within 6\.0 s"):
        await wait_played(writer, lambda: 1)


async def test_as_long_as_more_is_written_there_is_more_to_play() -> None:
    writer = StuckWriter(AudioRequest(8000), 2_000)
    written = 1
    waiting = asyncio.ensure_future(wait_played(writer, lambda: written))
    for _ in range(3):
        await asyncio.sleep(4)
        written += 1
        assert not waiting.done()
    with pytest.raises(SendError):
        await waiting
