"""Fewer and smaller pictures for a reader that asks for them."""

from __future__ import annotations

import itertools

import pytest

from akool_async.media.frames import VideoFrame
from akool_async.media.limits import FrameRateLimit, HeightLimit


def frame(width: int = 64, height: int = 48, *, at: float = 0.0, rotation: int = 0) -> VideoFrame:
    data = bytes(width * height * 3)
    return VideoFrame(data, width, height, "rgb24", timestamp=at, rotation=rotation)  # type: ignore[arg-type]


def passed(fps: float, times: list[float]) -> list[float]:
    limit = FrameRateLimit(fps)
    return [at for at in times if limit(frame(2, 2, at=at))]


def test_a_slower_stream_is_passed_whole() -> None:
    times = [number / 10 for number in range(20)]
    assert passed(25.0, times) == times


def test_a_faster_one_is_thinned_evenly() -> None:
    found = passed(10.0, [number / 30 for number in range(90)])
    assert len(found) == pytest.approx(30, abs=1)
    steps = [after - before for before, after in itertools.pairwise(found)]
    assert max(steps) < 0.15
    assert min(steps) > 0.05


def test_the_senders_jitter_loses_no_frame() -> None:
    times = [number / 10 + (0.02 if number % 2 else 0.0) for number in range(20)]
    assert passed(10.0, times) == times


def test_a_pause_is_not_made_up_for() -> None:
    found = passed(10.0, [0.0, *(5.0 + number / 100 for number in range(21))])
    assert len(found) <= 4


def test_a_picture_that_fits_is_passed_as_it_is() -> None:
    pytest.importorskip("av")
    picture = frame()
    assert HeightLimit(48)(picture) is picture


@pytest.mark.parametrize(
    ("size", "limit", "smaller"),
    [((64, 48), 24, (32, 24)), ((64, 48), 25, (32, 24)), ((1280, 720), 360, (640, 360))],
)
def test_a_larger_one_keeps_its_ratio_time_and_rotation(
    size: tuple[int, int], limit: int, smaller: tuple[int, int]
) -> None:
    pytest.importorskip("av")
    found = HeightLimit(limit)(frame(*size, at=1.5, rotation=90))
    assert (found.width, found.height) == smaller
    assert (found.format, found.timestamp, found.rotation) == ("rgb24", 1.5, 90)
