"""What becomes of speech that the meeting's avatar is sent, on a clock that tests move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from akool_async.simulator.clock import Clock
from akool_async.simulator.meeting.player import IDLE, MeetingPlayer, Segment

RATE = 16_000


class Scene:
    def __init__(self) -> None:
        self.clock = Clock(running=False)
        self.player = MeetingPlayer(self.clock)
        self.started: list[Segment] = []
        self.finished: list[tuple[float, bool]] = []
        self.player.on_started = self._started
        self.player.on_finished = self._finished

    async def _started(self, segment: Segment) -> None:
        self.started.append(segment)

    async def _finished(self, segment: Segment) -> None:
        self.finished.append((round(segment.played, 2), segment.cleared))

    def speech(self, seconds: float, *, end: bool = True) -> Segment:
        segment = self.player.begin("bot", RATE, 1)
        segment.feed(bytes(int(seconds * RATE) * 2))
        if end:
            self.player.end(segment)
        return segment

    async def passes(self, seconds: float) -> None:
        """In steps, so that what waits for the clock runs in between."""
        for _ in range(round(seconds / 0.02)):
            self.clock.advance(0.02)
            for _ in range(12):
                await asyncio.sleep(0)


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Scene]:
    scene = Scene()
    task = asyncio.create_task(scene.player.run())
    yield scene
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


@pytest.mark.parametrize("steps", range(4))
async def test_audio_that_comes_while_it_begins_to_wait_for_more(scene: Scene, steps: int) -> None:
    segment = scene.player.begin("bot", RATE, 1)
    for _ in range(steps):  # wherever the player is
        await asyncio.sleep(0)
    segment.feed(bytes(2 * RATE // 10))
    segment.end()
    await scene.passes(0.5)
    assert scene.finished == [(0.1, False)]


async def test_a_segment_is_played_in_its_time_and_reported_once(scene: Scene) -> None:
    segment = scene.speech(1.0)
    await scene.passes(0.9)
    assert scene.started == [segment]
    assert scene.finished == []
    await scene.passes(0.2)
    assert scene.finished == [(1.0, False)]
    await scene.passes(2.0)
    assert scene.finished == [(1.0, False)]


async def test_segments_are_played_one_after_the_other(scene: Scene) -> None:
    scene.speech(0.5)
    scene.speech(0.5)
    await scene.passes(0.7)
    assert scene.finished == [(0.5, False)]
    await scene.passes(0.5)
    assert scene.finished == [(0.5, False), (0.5, False)]


async def test_a_clear_reports_what_was_played_of_each(scene: Scene) -> None:
    scene.speech(2.0)
    scene.speech(1.0)
    await scene.passes(0.5)
    scene.player.clear()
    await scene.passes(0.1)
    [first, second] = scene.finished
    assert first[0] == pytest.approx(0.5, abs=0.05)
    assert first[1]
    assert second == (0.0, True)


@pytest.mark.parametrize("by", ["header", "idle", "clear"])
async def test_a_lost_end_mark(scene: Scene, by: str) -> None:
    scene.player.loses_ends = True
    segment = scene.speech(0.3)
    await scene.passes(0.6)
    assert scene.finished == []
    if by == "header":
        scene.speech(0.3)
    elif by == "clear":
        scene.player.clear()
    else:
        await scene.passes(IDLE)
    await scene.passes(0.1)
    assert segment.ended_by == by
    assert scene.finished == [(0.3, by == "clear")]


async def test_an_end_that_is_not_reported(scene: Scene) -> None:
    scene.player.reports = False
    segment = scene.speech(0.2)
    await scene.passes(1.0)
    assert scene.finished == []
    assert not segment.reported


async def test_what_comes_after_the_end_is_dropped(scene: Scene) -> None:
    segment = scene.speech(0.2)
    segment.feed(bytes(RATE))
    await scene.passes(1.0)
    assert scene.finished == [(0.2, False)]
