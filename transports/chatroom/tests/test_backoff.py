from __future__ import annotations

import pytest
from akool_chatroom.backoff import SETTLED, Backoff


def longest_pauses(backoff: Backoff, count: int) -> list[float]:
    backoff._random.random = lambda: 1.0  # type: ignore[method-assign]
    return [backoff.pause() for _ in range(count)]


def test_pauses_double_up_to_the_longest():
    backoff = Backoff(first=0.5, most=4.0, give_up_after=60)
    backoff.joined(0.0)
    backoff.lost(100.0)
    assert longest_pauses(backoff, 6) == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


def test_pauses_are_a_random_part_of_that():
    backoff = Backoff(first=1.0, most=1.0, give_up_after=60)
    pauses = {backoff.pause() for _ in range(50)}
    assert len(pauses) > 40
    assert all(0 <= pause < 1 for pause in pauses)


def test_many_tries_do_not_overflow():
    backoff = Backoff(first=0.001, most=10.0, give_up_after=60)
    assert max(longest_pauses(backoff, 2000)) == 10.0


def test_patience_runs_while_the_room_is_lost():
    backoff = Backoff(first=1, most=1, give_up_after=60)
    backoff.joined(0.0)
    backoff.lost(100.0)
    assert backoff.left(100.0) == 60
    assert backoff.left(161.0) == pytest.approx(-1)


def test_no_patience_gives_up_at_once():
    backoff = Backoff(first=1, most=1, give_up_after=0)
    backoff.joined(0.0)
    backoff.lost(100.0)
    assert backoff.left(100.0) <= 0


def test_a_room_that_breaks_again_at_once_is_the_same_outage():
    backoff = Backoff(first=1, most=64, give_up_after=60)
    backoff.joined(0.0)
    backoff.lost(100.0)
    backoff.pause()
    backoff.joined(105.0)
    backoff.lost(105.5)
    assert backoff.left(105.5) == pytest.approx(55)
    assert longest_pauses(backoff, 1) == [2.0]


def test_a_room_that_lasted_ends_the_outage():
    backoff = Backoff(first=1, most=64, give_up_after=60)
    backoff.joined(0.0)
    backoff.lost(100.0)
    backoff.pause()
    backoff.joined(105.0)
    backoff.lost(105.0 + SETTLED)
    assert backoff.left(105.0 + SETTLED) == 60
    assert longest_pauses(backoff, 1) == [1.0]
