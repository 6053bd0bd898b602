from __future__ import annotations

import pytest
from akool_chatroom.outage import SETTLED, Outage


def longest_pauses(outage: Outage, count: int) -> list[float]:
    outage._backoff.random = lambda: 1.0
    return [outage.pause() for _ in range(count)]


def test_pauses_double_up_to_the_longest():
    outage = Outage(first=0.5, most=4.0, give_up_after=60)
    outage.joined(0.0)
    outage.lost(100.0)
    assert longest_pauses(outage, 6) == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


def test_pauses_are_a_random_part_of_that():
    outage = Outage(first=1.0, most=1.0, give_up_after=60)
    pauses = {outage.pause() for _ in range(50)}
    assert len(pauses) > 40
    assert all(0 <= pause < 1 for pause in pauses)


def test_many_tries_do_not_overflow():
    outage = Outage(first=0.001, most=10.0, give_up_after=60)
    assert max(longest_pauses(outage, 2000)) == 10.0


def test_time_runs_while_the_room_is_lost():
    outage = Outage(first=1, most=1, give_up_after=60)
    outage.joined(0.0)
    outage.lost(100.0)
    assert outage.left(100.0) == 60
    assert outage.left(161.0) == pytest.approx(-1)


def test_no_time_gives_up_at_once():
    outage = Outage(first=1, most=1, give_up_after=0)
    outage.joined(0.0)
    outage.lost(100.0)
    assert outage.left(100.0) <= 0


def test_a_room_that_breaks_again_at_once_is_the_same_outage():
    outage = Outage(first=1, most=64, give_up_after=60)
    outage.joined(0.0)
    outage.lost(100.0)
    outage.pause()
    outage.joined(105.0)
    outage.lost(105.5)
    assert outage.left(105.5) == pytest.approx(55)
    assert longest_pauses(outage, 1) == [2.0]


def test_a_room_that_lasted_ends_the_outage():
    outage = Outage(first=1, most=64, give_up_after=60)
    outage.joined(0.0)
    outage.lost(100.0)
    outage.pause()
    outage.joined(105.0)
    outage.lost(105.0 + SETTLED)
    assert outage.left(105.0 + SETTLED) == 60
    assert longest_pauses(outage, 1) == [1.0]
