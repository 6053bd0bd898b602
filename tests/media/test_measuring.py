"""When sound begins and ends, by the sound itself; how long a room is asked for it."""

from __future__ import annotations

from array import array

import pytest

from akool_async.media.frames import AudioFrame
from akool_async.media.measuring import SoundWatch, SubscriptionMeasure, is_loud

QUIET, LOUD = 20, 8_000
FRAME = 0.02


class Measured:
    """The clock, and what was measured by it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.figures: list[tuple[str, float, str]] = []
        self.kinds: set[object] = set()
        self.sound = SoundWatch(lambda: self.now, self)

    def duration(self, name, seconds, **attributes):
        self.figures.append((name, pytest.approx(seconds, abs=1e-6), ""))
        self.kinds.update(attributes.values())

    def span(self, name, seconds, error="", /, **attributes):
        self.figures.append((name, pytest.approx(seconds, abs=1e-6), error))
        self.kinds.update(attributes.values())

    def hear(self, height: int, seconds: float) -> None:
        """Sound, or noise, for so long."""
        for _ in range(round(seconds / FRAME)):
            self.now += FRAME
            pcm = array("h", [height, -height] * 160).tobytes()
            self.sound.frame(AudioFrame(pcm, 16_000, 1, 0.0))


@pytest.fixture
def measured():
    measured = Measured()
    measured.sound.reading(1)
    return measured


def test_a_question_s_first_sound_is_what_follows_silence(measured):
    measured.hear(LOUD, 0.1)
    measured.sound.asked(measured.now)
    measured.hear(LOUD, 0.5)  # of the answer before
    measured.hear(QUIET, 0.3)
    measured.hear(LOUD, 0.2)
    measured.hear(QUIET, 0.2)
    measured.hear(LOUD, 0.2)
    assert measured.figures == [("question.first_heard", 0.82, "")]


@pytest.mark.parametrize(("pause", "found"), [(0.1, []), (0.3, [0.02])])
def test_what_was_heard_just_before_a_question_is_not_its_answer(measured, pause, found):
    measured.hear(LOUD, 1)
    measured.hear(QUIET, pause)
    measured.sound.asked(measured.now)
    measured.hear(LOUD, 0.5)
    assert measured.figures == [("question.first_heard", seconds, "") for seconds in found]


def test_a_question_that_is_never_heard_to_be_answered_is_forgotten(measured):
    measured.sound.asked(measured.now)
    measured.hear(QUIET, 31)
    measured.hear(LOUD, 1)
    assert measured.figures == []


def test_sound_that_wasn_t_read_yet_when_it_was_asked_for_says_nothing(measured):
    measured.sound.reading(-1)
    measured.sound.asked(measured.now)
    measured.sound.interrupted(measured.now)
    measured.now += 5
    measured.sound.reading(1)  # the avatar has been speaking for some seconds
    measured.hear(LOUD, 1)
    measured.hear(QUIET, 1)
    assert measured.figures == []


def test_a_question_that_failed_isn_t_answered_by_what_is_heard_later(measured):
    asked = measured.now
    measured.sound.asked(asked)
    measured.hear(QUIET, 3)
    measured.sound.not_answered(asked)
    measured.sound.asked(measured.now)
    measured.hear(QUIET, 0.5)
    measured.hear(LOUD, 0.1)
    assert measured.figures == [("question.first_heard", 0.52, "")]


def test_an_interrupt_sent_again_counts_from_its_first_time_and_not_for_what_is_said_next(measured):
    measured.hear(LOUD, 0.1)
    measured.sound.interrupted(measured.now)
    measured.hear(LOUD, 0.2)
    measured.sound.interrupted(measured.now)
    measured.hear(QUIET, 0.3)
    assert measured.figures == [("interrupt.to_quiet", 0.2, "")]
    measured.hear(LOUD, 0.1)
    measured.sound.interrupted(measured.now)
    measured.sound.another_begins()
    measured.hear(LOUD, 1)
    measured.hear(QUIET, 1)
    assert len(measured.figures) == 1


def test_an_interrupt_s_silence_begins_with_the_last_sound(measured):
    measured.hear(LOUD, 0.1)
    measured.sound.interrupted(measured.now)
    measured.hear(LOUD, 0.3)
    measured.hear(QUIET, 0.1)
    measured.hear(LOUD, 0.1)
    measured.hear(QUIET, 1)
    assert measured.figures == [("interrupt.to_quiet", 0.5, "")]


def test_an_interrupt_of_a_silent_avatar_is_not_measured(measured):
    measured.sound.interrupted(measured.now)
    measured.hear(QUIET, 0.5)
    measured.hear(LOUD, 0.5)
    measured.hear(QUIET, 0.5)
    assert measured.figures == []


def test_a_subscription_and_its_first_frame(measured):
    measure = SubscriptionMeasure("video", lambda: measured.now, measured)
    measure.frame()
    measure.began()
    measured.now += 0.5
    measure.frame()
    measure.frame()
    measured.now += 2
    measure.ended("MediaError")
    measure.ended()
    assert measured.figures == [
        ("media.first_frame", 0.5, ""),
        ("media.subscription", 2.5, "MediaError"),
    ]
    assert measured.kinds == {"video"}


def test_noise_is_no_sound():
    assert not is_loud(b"")
    assert not is_loud(array("h", [30, -40]).tobytes())
    assert is_loud(array("h", [0, -600, 0]).tobytes())
