"""Where frames go on the film's clock."""

from __future__ import annotations

import pytest

from akool_async.media.recording.timeline import AudioTimeline, Placement, VideoTimeline

RATE = 1000


def test_sound_that_follows_itself_is_written_as_it_is() -> None:
    track = AudioTimeline(RATE)
    assert [track.place(i * 0.02, 20) for i in range(100)] == [Placement()] * 100
    assert (track.seconds, track.inserted, track.cut) == (2.0, 0, 0)


def test_jitter_is_not_a_gap() -> None:
    track = AudioTimeline(RATE)
    for i in range(50):
        assert track.place(i * 0.02 + (0.05 if i % 2 else -0.05), 20) == Placement()
    assert track.position == 1000


def test_sound_that_stays_late_or_early_is_put_right() -> None:
    track = AudioTimeline(RATE)
    late = [track.place(i * 0.02 + (0.03 if i else 0), 20) for i in range(60)]
    assert [one.silence for one in late if one != Placement()] == [30]
    assert late[26] == Placement(silence=30)
    early = [track.place(1.23 + i * 0.02 - 0.05, 20) for i in range(60)]
    assert [one.skip for one in early if one != Placement()] == [20, 20]
    assert (track.inserted, track.cut) == (30, 40)


def test_a_gap_becomes_silence() -> None:
    track = AudioTimeline(RATE)
    track.place(0.0, 20)
    assert track.place(1.0, 20) == Placement(silence=980)
    assert (track.position, track.inserted) == (1020, 980)


def test_what_was_written_already_is_cut() -> None:
    track = AudioTimeline(RATE)
    track.place(0.0, 1000)
    assert track.place(0.5, 200) == Placement(skip=200)
    assert track.place(0.9, 200) == Placement(skip=100)
    assert (track.position, track.cut) == (1100, 300)


def test_a_first_frame_that_is_late_is_preceded_by_silence() -> None:
    assert AudioTimeline(RATE).place(0.5, 20) == Placement(silence=500)


def test_filling() -> None:
    track = AudioTimeline(RATE)
    track.place(0.0, 100)
    assert track.fill(0.5) == 400
    assert track.fill(0.3) == 0
    assert (track.seconds, track.inserted) == (0.5, 400)


@pytest.mark.parametrize("ticks", [1000, 90_000])
def test_pictures_keep_their_time_and_their_order(ticks: int) -> None:
    pictures = VideoTimeline(ticks)
    assert pictures.place(0.0) == 0
    assert pictures.place(1.5) == round(1.5 * ticks)
    assert pictures.place(1.5) is None
    assert pictures.place(1.2) is None
    assert pictures.place(-3.0) is None
    assert pictures.late == 3
    assert pictures.place(1.501) == round(1.501 * ticks)
    assert pictures.seconds == pytest.approx(1.501)
