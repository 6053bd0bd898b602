"""Readers: bounded, counted, and subscribed while they read."""

from __future__ import annotations

import asyncio

import pytest

from akool_async.errors import SendError
from akool_async.media import AudioFrame
from akool_async.media.readers import IDLE_AFTER, FrameReader

pytestmark = pytest.mark.virtual_clock


class Feed:
    def __init__(self) -> None:
        self.readers: list[FrameReader[AudioFrame]] = []
        self.joins = 0

    def join(self, reader: FrameReader[AudioFrame]) -> None:
        self.readers.append(reader)
        self.joins += 1

    def leave(self, reader: FrameReader[AudioFrame]) -> None:
        self.readers.remove(reader)


@pytest.fixture
def feed():
    return Feed()


def frame(number: int) -> AudioFrame:
    return AudioFrame(b"\0\0", 8000, 1, float(number))


async def test_asks_for_frames_when_it_is_read_first(feed):
    reader = FrameReader(feed, limit=4)
    assert feed.readers == []
    reading = asyncio.create_task(anext(reader))
    await asyncio.sleep(0)
    assert feed.readers == [reader]
    reader.put(frame(1))
    assert (await reading).timestamp == 1
    await reader.aclose()
    assert feed.readers == []
    with pytest.raises(StopAsyncIteration):
        await anext(reader)


async def test_a_block_asks_at_once_and_ends_it(feed):
    async with FrameReader(feed, limit=4) as reader:
        assert feed.readers == [reader]
        reader.put(frame(1))
    assert feed.readers == []
    assert [one async for one in reader] == []


async def test_drops_the_oldest_and_counts(feed):
    async with FrameReader(feed, limit=3) as reader:
        for number in range(10):
            reader.put(frame(number))
        assert reader.dropped == 7
        assert [(await anext(reader)).timestamp for _ in range(3)] == [7, 8, 9]


async def test_one_that_pauses_gives_its_subscription_up_and_comes_back_to_new_frames(feed):
    async with FrameReader(feed, limit=100) as reader:
        reader.put(frame(1))
        await anext(reader)
        reader.put(frame(2))
        await asyncio.sleep(IDLE_AFTER + 0.1)
        reader.put(frame(3))
        assert feed.readers == []
        assert reader.dropped == 2
        reading = asyncio.create_task(anext(reader))
        await asyncio.sleep(0)
        assert feed.readers == [reader]
        reader.put(frame(4))
        assert (await reading).timestamp == 4
    assert feed.joins == 2


async def test_one_that_waits_long_is_no_pause(feed):
    async with FrameReader(feed, limit=100) as reader:
        reading = asyncio.create_task(anext(reader))
        await asyncio.sleep(10 * IDLE_AFTER)
        reader.put(frame(1))
        assert (await reading).timestamp == 1
        reader.put(frame(2))
        assert feed.readers == [reader]
        assert (await anext(reader)).timestamp == 2


@pytest.mark.parametrize("steps", range(4))
async def test_cancelled_it_loses_nothing(feed, steps):
    async with FrameReader(feed, limit=4) as reader:
        reading = asyncio.create_task(anext(reader))
        for _ in range(steps):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait({reading})
        assert reading.cancelled()
        reader.put(frame(1))
        assert (await anext(reader)).timestamp == 1


async def test_two_tasks_at_once_are_refused(feed):
    async with FrameReader(feed, limit=4) as reader:
        reading = asyncio.create_task(anext(reader))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="already awaited"):
            await anext(reader)
        reader.end()
        with pytest.raises(StopAsyncIteration):
            await reading


async def test_what_waits_is_read_before_the_end(feed):
    reader = FrameReader(feed, limit=4)
    reading = asyncio.create_task(anext(reader))
    await asyncio.sleep(0)
    reader.put(frame(1))
    reader.put(frame(2))
    reader.end()
    reader.put(frame(3))
    assert (await reading).timestamp == 1
    assert [one.timestamp async for one in reader] == [2]


async def test_a_failure_is_raised_once(feed):
    reader = FrameReader(feed, limit=4)
    reader.end(SendError("no such codec"))
    with pytest.raises(SendError, match="no such codec"):
        await anext(reader)
    assert [one async for one in reader] == []


async def test_keeps_what_is_wanted_and_prepares_it_when_it_is_read(feed):
    prepared = []

    def prepare(given: AudioFrame) -> AudioFrame:
        prepared.append(given.timestamp)
        return given

    even = FrameReader(feed, limit=9, wanted=lambda f: f.timestamp % 2 == 0, prepare=prepare)
    async with even:
        for number in range(5):
            even.put(frame(number))
        assert prepared == []
        assert (await anext(even)).timestamp == 0
        assert prepared == [0]
        assert even.dropped == 0
