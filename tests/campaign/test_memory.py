"""Whether memory that grows is found, and memory that goes up and down isn't."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import memory
from findings import Report
from memory import Memory


def looked(values: Iterable[float], monkeypatch: pytest.MonkeyPatch) -> Memory:
    monkeypatch.setattr(memory, "EVERY", 0.0)
    values = list(values)
    found = Memory(iter(values).__next__)
    for _ in values:
        found.look()
    return found


@pytest.mark.parametrize(
    ("value", "grew"),
    [
        (lambda n: 100.0, False),
        (lambda n: 100.0 if n > 10 else 50.0, False),  # it is larger once all is imported
        (lambda n: 100.0 + random.Random(n).random() * 30, False),
        (lambda n: 100.0 + n, True),
        (lambda n: 100.0 + 40.0 * (n > 50), True),
    ],
)
def test_growth_is_what_goes_on(
    value: Callable[[int], float], grew: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = looked((value(n) for n in range(100)), monkeypatch)
    assert found.grew is grew
    report = Report("lives", memory=found)
    report.judge_memory("lives --seed 1 --minutes 9.0")
    assert bool(report.violations) is grew
    if grew:
        assert "it grew\n    again: python tests/campaign lives --seed 1" in str(*report.violations)


def test_nothing_is_said_after_a_few_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    found = looked((100.0 * n for n in range(memory.ENOUGH - 1)), monkeypatch)
    assert not found.grew
    assert str(found) == "memory not judged after 7 looks"


def test_what_is_kept_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the process's own memory: a part that keeps what each batch made."""
    monkeypatch.setattr(memory, "EVERY", 0.0)
    found, kept = Memory(), []
    for _ in range(memory.ENOUGH):
        kept.append(bytes([1]) * 20_000_000)
        found.look()
    assert found.grew, str(found)


def test_looks_are_rare() -> None:
    values = iter([1.0, 2.0])
    found = Memory(values.__next__)
    for _ in range(1000):
        found.look()
    assert next(values) == 2.0
