"""Ended messages are remembered in bounds, and their parts are recognised."""

from __future__ import annotations

import pytest

from akool_async.stream.recent_messages import (
    UNNUMBERED,
    Parts,
    RecentMessages,
    count_of,
    hashes,
    is_duplicate,
    size_of,
)


def test_between_the_limit_and_twice_as_many_are_remembered() -> None:
    recent: RecentMessages[int] = RecentMessages(10)
    for number in range(100):
        recent.add((str(number), "bot"), number)
        assert len(recent) <= 20
        for last in range(max(0, number - 9), number + 1):
            assert recent[str(last), "bot"] == last
    assert ("50", "bot") not in recent
    assert ("99", "user") not in recent


def test_large_ones_are_forgotten_earlier() -> None:
    recent: RecentMessages[int] = RecentMessages(10)
    for number in range(100):
        recent.add((str(number), "bot"), number, size=10_000)
        assert len(recent) <= 2


@pytest.mark.parametrize(
    ("parts", "count", "size"),
    [
        (hashes(["a"]), 1, 8),
        (hashes(["a", "b", "c"]), 3, 24),
        ({0: hash("a"), 2: hash("c")}, 2, 256),
    ],
    # Hashes are others in each process.
    ids=["one", "several", "a gap"],
)
def test_parts_that_came_before_are_recognised(parts: Parts, count: int, size: int) -> None:
    assert (count_of(parts), size_of(parts)) == (count, size)
    assert is_duplicate(parts, 0, "a")
    assert is_duplicate(parts, UNNUMBERED, "a")
    assert not is_duplicate(parts, 0, "another")
    assert not is_duplicate(parts, UNNUMBERED, "another")
    assert not is_duplicate(parts, 7, "a")
