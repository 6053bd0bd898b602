"""What is measured from one thing that happens to another, on a clock of the test's own."""

from __future__ import annotations

import pytest

from akool_async.conversation.latencies import Latencies
from akool_async.media.measuring import SoundWatch


class Measured:
    """The clock, and what was measured by it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.figures: list[tuple[str, float]] = []
        self.sound = SoundWatch(lambda: self.now, self)
        self.latencies = Latencies(lambda: self.now, self, self.sound)

    def duration(self, name, seconds, **attributes):
        self.figures.append((name, pytest.approx(seconds)))

    def span(self, name, seconds, error="", /, **attributes):
        self.figures.append((f"span {name}", pytest.approx(seconds)))


@pytest.fixture
def measured():
    return Measured()


def test_sound_belongs_to_the_question_that_it_names_or_to_the_oldest(measured):
    latencies = measured.latencies
    for mid in ("a", "b", "c", "d"):
        latencies.question_sent(mid, measured.now)
        measured.now += 1
    latencies.speaking_started("c", known=True)
    latencies.speaking_started("of a text", known=True)
    latencies.speaking_started("", known=False)
    latencies.question_over("b", 101.0, None, "ReplyTimeoutError")
    latencies.speaking_started("", known=False)
    assert measured.figures == [("question.first_sound", seconds) for seconds in (2, 4, 1)]


def test_sound_without_a_name_isn_t_of_a_question_of_long_ago(measured):
    measured.latencies.question_sent("a", measured.now)
    measured.latencies.question_over("a", measured.now, measured.now + 2, "")
    measured.now += 300
    measured.latencies.speaking_started("", known=False)
    assert measured.figures == [("question.first_word", 2)]


def test_the_newest_sixteen_questions_wait_for_their_sound(measured):
    for number in range(20):
        measured.latencies.question_sent(str(number), measured.now)
    for number in range(20):
        measured.latencies.speaking_started(str(number), known=True)
    assert len(measured.figures) == 16


def test_a_session_has_one_first_word(measured):
    measured.now += 3
    measured.latencies.reply_begun(False)
    measured.now += 3
    measured.latencies.reply_begun(False)
    assert measured.figures == [("span first_word", 3)]


def test_a_person_s_words_are_answered_once_and_interrupt_once(measured):
    latencies = measured.latencies
    latencies.user_spoke()
    measured.now += 0.1
    latencies.interrupt_sending()
    latencies.interrupt_sending()
    measured.now += 0.4
    latencies.speech_sending("a")
    latencies.speech_sending("b")
    latencies.user_spoke()
    measured.now += 0.2
    latencies.speech_sending("b")  # the rest of what was being said
    latencies.reply_begun(True)
    latencies.interrupt_sending()
    assert [figure for figure in measured.figures if figure[0] != "span first_word"] == [
        ("speech.to_interrupt", 0.1),
        ("speech.to_first_word", 0.5),
        ("speech.to_first_word", 0.2),
    ]


def test_what_comes_after_a_minute_is_no_answer(measured):
    latencies = measured.latencies
    latencies.user_spoke()
    measured.now += 61
    latencies.interrupt_sending()
    latencies.speech_sending("a")
    assert measured.figures == []


def test_silence_counts_from_the_first_interrupt_and_only_of_what_it_interrupted(measured):
    latencies = measured.latencies
    latencies.interrupt_sending()  # of a silent avatar
    latencies.speaking_stopped()
    latencies.speaking_started("a", known=True)
    latencies.interrupt_sending()
    measured.now += 1
    latencies.interrupt_sending()  # sent again
    measured.now += 1
    latencies.speaking_stopped()
    latencies.speaking_started("b", known=True)
    latencies.interrupt_sending()
    latencies.speaking_started("c", known=True)  # the end of "b" was lost
    measured.now += 5
    latencies.speaking_stopped()
    assert measured.figures == [("interrupt.to_silence", 2)]
