"""Turns of speech in a microphone's sound."""

from __future__ import annotations

import numpy as np

from akool_async.simulator.media.ear import RATE, TurnDetector

PIECE = RATE // 50
LOUD = (8_000 * np.sin(np.arange(PIECE))).astype(np.int16)
QUIET = np.zeros(PIECE, np.int16)


def turns(detector: TurnDetector, *parts: tuple[np.ndarray, float]) -> list[float]:
    """Feeds parts of so many seconds; the lengths of the turns that ended."""
    now, found = 0.0, []
    for piece, seconds in parts:
        for _ in range(round(seconds * 50)):
            now += 0.02
            turn = detector.add(piece, now)
            if turn is not None:
                found.append(round(len(turn) / RATE, 2))
    return found


def test_quiet_ends_a_turn() -> None:
    detector = TurnDetector(0.5)
    assert turns(detector, (QUIET, 2), (LOUD, 1), (QUIET, 2)) == [0.1 + 1 + 0.5]
    assert not detector.speaking


def test_a_short_pause_does_not() -> None:
    found = turns(TurnDetector(0.5), (LOUD, 1), (QUIET, 0.4), (LOUD, 1), (QUIET, 1))
    assert found == [1 + 0.4 + 1 + 0.5]


def test_two_turns() -> None:
    found = turns(TurnDetector(0.5), (LOUD, 1), (QUIET, 1), (LOUD, 2), (QUIET, 1))
    assert len(found) == 2
    assert found[1] > found[0]


def test_nothing_at_all_ends_a_turn_too() -> None:
    detector = TurnDetector(0.5)
    assert turns(detector, (LOUD, 1)) == []
    assert detector.poll(2.4) is None
    turn = detector.poll(2.6)
    assert turn is not None
    assert len(turn) == RATE
    assert detector.poll(9.0) is None


def test_sound_that_comes_late_does_not_end_a_turn() -> None:
    detector = TurnDetector(0.5)
    assert detector.add(LOUD, 0.0) is None
    assert detector.add(LOUD, 1.4) is None
    assert detector.poll(2.8) is None
    assert detector.speaking


def test_a_turn_without_end_is_cut() -> None:
    assert turns(TurnDetector(0.5), (LOUD, 61), (QUIET, 1)) == [60.0, 1.5]


def test_an_empty_piece_is_quiet() -> None:
    assert TurnDetector(0.5).add(np.zeros(0, np.int16), 0.0) is None
