"""How long things took: a line for each turn of `akool chat --timing`, a table for `akool demo`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from akool_async.conversation import Timing
from akool_async.telemetry import Attributes, SessionMeasurements

__all__ = ["TurnTimings", "timing_table"]

#: What is shown, by the names of docs/telemetry.md, in this order.
_NAMES: Final = {
    "create": "create",
    "join": "join",
    "ready": "ready",
    "command": "command",
    "question.first_word": "first word",
    "question.first_sound": "first sound",
    "question.first_heard": "first heard",
    "question": "whole reply",
    "interrupt.to_silence": "silence",
    "interrupt.to_quiet": "quiet heard",
}
_OF_A_TURN: Final = ("question.first_word", "question.first_sound", "question.first_heard")


class TurnTimings:
    """Implements `Measurements` for the one session of a chat."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}
        self._over = asyncio.Event()

    def begin_turn(self) -> None:
        """What came since the last line, or of a question that failed, is of no turn to come."""
        self._seen = {}
        self._over.clear()

    async def line(self) -> str:
        """The figures of the turn that has just ended, as far as they came before its end."""
        await self._over.wait()
        seen = self._seen
        return ", ".join(
            f"{label} {_short(seen[name])}" for name, label in _NAMES.items() if name in seen
        )

    def begin(self, attributes: Attributes) -> SessionMeasurements:
        """See `Measurements`."""
        del attributes
        return self

    def identify(self, attributes: Attributes) -> None:
        """Not shown."""

    def duration(self, name: str, seconds: float, attributes: Attributes) -> None:
        """Kept until the turn is over."""
        del attributes
        if (name := name.removeprefix("akool.")) in _OF_A_TURN:
            self._seen[name] = seconds

    def span(self, name: str, seconds: float, attributes: Attributes, error: str) -> None:
        """The question's ends the turn."""
        del attributes, error
        if name == "akool.question":
            self._seen["question"] = seconds
            self._over.set()

    def count(self, name: str, amount: float, attributes: Attributes) -> None:
        """Not shown."""

    def request(self, operation: str, seconds: float, attributes: Attributes, error: str) -> None:
        """Not shown."""

    def end(self, error: str) -> None:
        """Not shown."""


def timing_table(timings: Mapping[str, Timing]) -> list[str]:
    """Percentiles as lines, a heading first; empty where nothing was measured."""
    shown = [(label, timings[name]) for name, label in _NAMES.items() if name in timings]
    if not shown:
        return []
    heading = f"{'how long':<14}{'p50':>9}{'p90':>9}{'p99':>9}{'times':>7}"
    return [heading] + [
        f"{label:<14}{_short(t.p50):>9}{_short(t.p90):>9}{_short(t.p99):>9}{t.count:>7}"
        for label, t in shown
    ]


def _short(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"
