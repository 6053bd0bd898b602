"""`akool_livekit.delay`: the difference of two jitter buffers, as the client counts them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from akool_livekit import delay
from akool_livekit.delay import DelayMeter

from akool_async.testing.waiting import until


class Track:
    """As much of a track as is used: the figures are the test's."""

    def __init__(self, **figures: float) -> None:
        self.figures = figures
        self.error: Exception | None = None
        self.looks = 0

    async def get_stats(self) -> list[Any]:
        self.looks += 1
        if self.error is not None:
            raise self.error
        inbound = SimpleNamespace(inbound=SimpleNamespace(**self.figures))
        return [
            SimpleNamespace(HasField=lambda _: False),
            SimpleNamespace(HasField=lambda name: name == "inbound_rtp", inbound_rtp=inbound),
        ]


@pytest.fixture
def tracks(monkeypatch: pytest.MonkeyPatch) -> list[Track]:
    monkeypatch.setattr(delay, "_EVERY", 0.0)
    return [
        Track(jitter_buffer_delay=4.0, jitter_buffer_emitted_count=100.0),
        Track(total_processing_delay=1.0, frames_decoded=50.0),
    ]


async def looked(meter: DelayMeter, times: int, track: Track) -> float:
    """Asks until the statistics were looked at so often in all."""

    def enough() -> bool:
        assert meter.delay >= 0
        return track.looks >= times

    await until(enough, "the looks")
    await asyncio.sleep(0)
    return meter.delay


async def test_it_is_what_changed_since_the_last_look(tracks: list[Any]) -> None:
    audio, video = tracks
    meter = DelayMeter(lambda: (audio, video))
    try:
        assert await looked(meter, 1, video) == 0.04
        audio.figures = {"jitter_buffer_delay": 14.0, "jitter_buffer_emitted_count": 200.0}
        video.figures = {"total_processing_delay": 2.0, "frames_decoded": 100.0}
        await until(lambda: meter.delay != 0.04, "a measured delay")
        assert meter.delay == pytest.approx(0.1 - 0.02 + 0.025)
        audio.figures = {"jitter_buffer_delay": 1e9, "jitter_buffer_emitted_count": 201.0}
        video.figures = {"total_processing_delay": 2.0, "frames_decoded": 101.0}
        await until(lambda: meter.delay == 0.5, "the most that is believed")
    finally:
        await meter.close()


async def test_without_both_tracks_or_statistics_it_stays(tracks: list[Any]) -> None:
    audio, video = tracks
    nothing = DelayMeter(lambda: None)
    meter = DelayMeter(lambda: (audio, video))
    audio.error = RuntimeError("the track is gone")
    try:
        assert nothing.delay == 0.04
        assert await looked(meter, 3, audio) == 0.04
        assert video.looks == 0
    finally:
        await nothing.close()
        await meter.close()
