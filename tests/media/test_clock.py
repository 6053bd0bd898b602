"""Where received frames are placed on the session's clock, by a clock that a test moves."""

from __future__ import annotations

import itertools

import pytest

from akool_async.media.clock import AudioTimeline, Lateness, MediaClock, VideoTimeline


class Time:
    """Seconds; begins in the middle of nowhere, as an event loop's clock does."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def clock() -> tuple[Time, MediaClock]:
    time = Time()
    return time, MediaClock(time)


def test_it_counts_from_the_moment_of_joining() -> None:
    time, media = clock()
    time.now += 5
    assert media.now() == 5
    media.start()
    assert media.now() == 0


@pytest.mark.parametrize(
    ("late", "stays"),
    [
        ([0.2, 0.2, 0.2, 0.2, 0.2], []),
        ([0.3, 0.3, 0.3, 0.3, 0.3], [3]),
        ([0.3, 0.3, 0.1, 0.3, 0.3, 0.3, 0.3], [6]),
        ([0.3] * 8, [3, 7]),
    ],
)
def test_a_stream_is_late_once_it_stays_late(late: list[float], stays: list[int]) -> None:
    """Looked at every 0.1 s."""
    lateness = Lateness()
    found = [lateness.stays(one, number * 0.1 + 1e-9 * number) for number, one in enumerate(late)]
    assert [number for number, one in enumerate(found) if one] == stays


def test_audio_is_placed_by_its_samples() -> None:
    time, media = clock()
    audio = AudioTimeline(media, 16_000)
    time.now += 1
    places = []
    for jitter in (0.0, 0.05, 0.0, 0.15):
        time.now += jitter
        places.append(audio.place(320))
    assert places == pytest.approx([0.98, 1.0, 1.02, 1.04])


def test_audio_that_comes_early_shows_that_the_first_was_late() -> None:
    time, media = clock()
    audio = AudioTimeline(media, 16_000)
    time.now += 1.06  # 60 ms late
    places = [audio.place(320)]
    for number in range(1, 20):
        time.now = 1001.0 + number * 0.02
        places.append(audio.place(320))
    assert places[0] == pytest.approx(1.04)
    assert places[-1] == pytest.approx(1.36)
    steps = [after - before for before, after in itertools.pairwise(places)]
    assert min(steps) == pytest.approx(0.015)


def test_what_came_together_is_placed_as_one() -> None:
    time, media = clock()
    audio = AudioTimeline(media, 16_000)
    time.now += 1
    assert [audio.place(320, 320), audio.place(320)] == pytest.approx([0.96, 0.98])


def test_a_gap_in_audio_is_a_jump() -> None:
    time, media = clock()
    audio = AudioTimeline(media, 16_000)
    assert audio.place(320) == 0
    time.now += 2  # two seconds were never sent
    places = []
    for _ in range(20):
        places.append(audio.place(320))
        time.now += 0.02
    assert places[0] == pytest.approx(0.02)
    assert places[-1] > 2
    steps = [after - before for before, after in itertools.pairwise(places)]
    assert sum(step > 0.03 for step in steps) == 1
    assert min(steps) > 0


def test_a_new_stream_of_audio_is_placed_by_its_arrival_and_never_back() -> None:
    time, media = clock()
    audio = AudioTimeline(media, 16_000)
    audio.place(16_000)  # a second at once
    audio.start()
    time.now += 0.5
    assert audio.place(320) == 1.0
    audio.start()
    time.now += 5
    assert audio.place(320) == pytest.approx(5.48)


def test_pictures_are_placed_by_when_they_were_taken() -> None:
    time, media = clock()
    video = VideoTimeline(media)
    places = []
    for captured, delay in ((70.0, 0.0), (70.04, 0.1), (70.08, 0.06)):
        time.now = 1001.0 + captured - 70.0 + delay
        places.append(video.place(captured))
    assert places == pytest.approx([1.0, 1.04, 1.08])


def test_one_that_comes_early_shows_that_the_first_was_late() -> None:
    time, media = clock()
    video = VideoTimeline(media)
    time.now = 1001.0
    assert video.place(70.0) == 1.0
    time.now = 1001.01
    assert video.place(70.04) == pytest.approx(1.01)
    time.now = 1001.05
    assert video.place(70.08) == pytest.approx(1.05)


def test_time_always_goes_on() -> None:
    _, media = clock()
    video = VideoTimeline(media)
    places = [video.place(None) for _ in range(3)] + [video.place(70.0), video.place(69.0)]
    assert places == sorted(set(places))


def test_pictures_without_a_time_are_placed_by_their_arrival() -> None:
    time, media = clock()
    video = VideoTimeline(media)
    time.now += 3
    assert video.place(None) == 3
    video.place(70.0)
    video.start()
    time.now += 10
    assert video.place(5.0) == 13
