"""How a figure is measured: beside its counterpart, in turns, in a process of its own.

A benchmark is a function in a `bench_*.py` file of this folder, plain or async, registered by
`@row`. It is given a `Bench` and measures or records::

    from framework import Bench, at_most_times, row

    @row("decode one chat packet", group="codec", unit="µs",
         counterpart="bare msgspec decode", goal=at_most_times(2.0))
    def decode_chat(bench: Bench) -> None:
        bench.time(lambda: codec.decode(packet, now=0.0), lambda: decoder.decode(packet))

    @row("round trip, 500 bytes", group="livekit", unit="ms", counterpart="raw livekit",
         goal=at_most_times(1.1))
    async def round_trip(bench: Bench) -> None:
        async with rooms() as (ours, raw):
            await bench.latency(ours, raw, count=200)           # lines "… p50" and "… p99"

    @row("10 KB at Agora's limits", group="codec", counterpart="the least possible",
         goal={"packets": at_most_times(1.03), "pacing": at_most_times(1.05)},
         units={"packets": "", "pacing": "s"})
    def packets(bench: Bench) -> None:
        bench.record("packets", ours=11, counterpart=11)

    @row("idle client", group="memory", unit="kB")             # printed only: no goal
    async def idle(bench: Bench) -> None:
        bench.record(ours=await bench.memory_each(make_client, count=100) / 1000)

Each function runs in a fresh process (`python tests/benchmarks --measure NAME`) with a time
limit, so that one row's memory, threads and imports don't weigh on the next. Rounds go ABAB…: the
ratio of a line is the median of the rounds' ratios, its spread their least and greatest.
"""

from __future__ import annotations

import gc
import inspect
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from timeit import Timer
from typing import Any, Final, NoReturn, TypeAlias

__all__ = [
    "ROWS",
    "Bench",
    "Goal",
    "Line",
    "Row",
    "SkipRow",
    "at_least",
    "at_most",
    "at_most_times",
    "percentile",
    "row",
]

#: Rounds of a row that neither asks for a number nor is given one.
USUAL_ROUNDS: Final = 7

#: What one unit of time is, in seconds; other units are recorded as they are.
SECONDS: Final = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}


class SkipRow(Exception):  # noqa: N818 - says why, and is no error
    """The row can't be measured on this machine; says why."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on a line: on its ratio to the counterpart, or on our own figure in its unit."""

    bound: float
    of: str  # "ratio" or "ours"
    least: bool = False

    def met(self, *, ours: float, ratio: float | None) -> bool:
        """Whether the figures keep to the bound; a ratio that is missing doesn't."""
        value = ratio if self.of == "ratio" else ours
        if value is None:
            return False
        return value >= self.bound if self.least else value <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.least else "≤"
        return f"{sign} {self.bound:g}{' ×' if self.of == 'ratio' else ''}"


def at_most_times(bound: float) -> Goal:
    """Ours is at most `bound` times the counterpart's."""
    return Goal(bound, "ratio")


def at_most(bound: float) -> Goal:
    """Our figure is at most `bound`, in the line's unit."""
    return Goal(bound, "ours")


def at_least(bound: float) -> Goal:
    """Our figure is at least `bound`, in the line's unit."""
    return Goal(bound, "ours", least=True)


@dataclass(slots=True)
class Line:
    """One line of the table: a figure, its rounds, and what they come to."""

    what: str
    unit: str
    counterpart_name: str
    goal: Goal | None
    rounds: list[tuple[float, float | None]] = field(default_factory=list)

    @property
    def ours(self) -> float:
        """The median of our rounds, in the line's unit."""
        return statistics.median(ours for ours, _ in self.rounds)

    @property
    def counterpart(self) -> float | None:
        """The median of the counterpart's rounds; `None` where there is no counterpart."""
        values = [other for _, other in self.rounds if other is not None]
        return statistics.median(values) if values else None

    @property
    def ratios(self) -> list[float]:
        """Ours divided by the counterpart's, round by round."""
        return [ours / other for ours, other in self.rounds if other]

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios."""
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; `None`: printed only."""
        return None if self.goal is None else self.goal.met(ours=self.ours, ratio=self.ratio)

    def to_dict(self) -> dict[str, Any]:
        """For `--json`, and from a row's process to the one that prints."""
        return {
            "what": self.what,
            "unit": self.unit,
            "ours": self.ours,
            "counterpart": self.counterpart,
            "counterpart_name": self.counterpart_name,
            "ratio": self.ratio,
            "ratio_least": min(self.ratios, default=None),
            "ratio_greatest": max(self.ratios, default=None),
            "rounds": len(self.rounds),
            "goal": None if self.goal is None else str(self.goal),
            "met": self.met,
        }


Measured: TypeAlias = Callable[["Bench"], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class Row:
    """A registered benchmark."""

    name: str
    group: str
    unit: str
    units: Mapping[str, str]
    counterpart: str
    goal: Goal | Mapping[str, Goal] | None
    limit: float
    measure: Measured
    needs_livekit_server: bool = False

    def line(self, part: str) -> Line:
        """An empty line of this row."""
        what = f"{self.name}: {part}" if part else self.name
        goal = self.goal.get(part) if isinstance(self.goal, Mapping) else self.goal
        return Line(what, self.units.get(part, self.unit), self.counterpart, goal)


#: Every registered row, by name.
ROWS: dict[str, Row] = {}


def row(
    name: str,
    *,
    group: str,
    unit: str = "",
    units: Mapping[str, str] | None = None,
    counterpart: str = "",
    goal: Goal | Mapping[str, Goal] | None = None,
    limit: float = 180.0,
    needs_livekit_server: bool = False,
) -> Callable[[Measured], Measured]:
    """Registers a benchmark.

    Args:
        name: unique; the table's first column, and what `--only` looks in.
        group: the heading it is under, and what `--only` looks in, too.
        unit: of its figures ("ms", "kB", "packets/s", ""); times are recorded in it.
        units: units of single parts, where they differ.
        counterpart: what it is compared with, in a few words; "" where there is none.
        goal: for all its parts, or by part; `None`: printed only.
        limit: seconds after which its process is ended and the row fails.
        needs_livekit_server: it is built before the rows are measured.
    """

    def register(measure: Measured) -> Measured:
        if name in ROWS:
            raise ValueError(f"two benchmarks are called {name!r}")
        ROWS[name] = Row(
            name,
            group,
            unit,
            units or {},
            counterpart,
            goal,
            limit,
            measure,
            needs_livekit_server,
        )
        return measure

    return register


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of the values don't exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


class Bench:
    """Given to a benchmark: measures in turns, and keeps what is recorded."""

    def __init__(self, row: Row, *, rounds: int | None = None, batch: float = 0.1) -> None:
        self.row = row
        self._rounds = rounds
        self._batch = batch
        self.lines: dict[str, Line] = {}
        self.notes: list[str] = []

    def rounds(self, count: int | None = None) -> Iterator[int]:
        """The rounds to run, numbered: as many as were asked for, else `count`, else seven."""
        yield from range(self._rounds or count or USUAL_ROUNDS)

    def record(self, part: str = "", *, ours: float, counterpart: float | None = None) -> None:
        """One round's figures for a line, in the line's unit; call it once per round."""
        line = self.lines.get(part)
        if line is None:
            line = self.lines[part] = self.row.line(part)
        line.rounds.append((ours, counterpart))

    def note(self, text: str) -> None:
        """Something to print under the table."""
        self.notes.append(text)

    def skip(self, why: str) -> NoReturn:
        """Ends the row: it can't be measured on this machine."""
        raise SkipRow(why)

    def time(
        self,
        ours: Callable[[], object],
        counterpart: Callable[[], object] | None = None,
        *,
        part: str = "",
    ) -> None:
        """Times plain functions by `timeit`, in batches of about 0.1 s, in turns."""
        timers = [Timer(function) for function in (ours, counterpart) if function is not None]
        loops = [self._loops(timer) for timer in timers]
        for _ in self.rounds():
            each = [
                self._in_unit(timer.timeit(n) / n, part)
                for timer, n in zip(timers, loops, strict=True)
            ]
            self.record(part, ours=each[0], counterpart=each[1] if len(each) > 1 else None)

    async def atime(
        self,
        ours: Callable[[], Awaitable[object]],
        counterpart: Callable[[], Awaitable[object]] | None = None,
        *,
        loops: int = 1,
        part: str = "",
    ) -> None:
        """Times async calls, `loops` of them one after the other in each round, in turns."""
        calls = [call for call in (ours, counterpart) if call is not None]
        for call in calls:
            await call()
        for _ in self.rounds():
            each = [self._in_unit(sum(await _samples(call, loops)) / loops, part) for call in calls]
            self.record(part, ours=each[0], counterpart=each[1] if len(each) > 1 else None)

    async def latency(
        self,
        ours: Callable[[], Awaitable[object]],
        counterpart: Callable[[], Awaitable[object]] | None = None,
        *,
        count: int = 200,
        percents: Sequence[float] = (50, 99),
    ) -> None:
        """Times each of `count` calls a round; a line per percentile ("p50", "p99").

        The two take turns call by call, so that a hiccup of the machine meets either alike.
        """
        calls = [call for call in (ours, counterpart) if call is not None]
        for call in calls:
            await _samples(call, max(3, count // 20))
        for _ in self.rounds():
            each: list[list[float]] = [[] for _ in calls]
            for _ in range(count):
                for call, samples in zip(calls, each, strict=True):
                    samples.extend(await _samples(call, 1))
            for percent in percents:
                part = f"p{percent:g}"
                values = [self._in_unit(percentile(samples, percent), part) for samples in each]
                self.record(part, ours=values[0], counterpart=values[1] if values[1:] else None)

    async def memory_each(
        self, make: Callable[[], object | Awaitable[object]], *, count: int = 100
    ) -> float:
        """Bytes of Python memory that one of `count` objects holds, by tracemalloc.

        `make` is called once before counting starts, so that what is made only once isn't counted.
        What it returns is kept until the figure is taken; closing it is the caller's part.
        """
        kept = [await _awaited(make())]
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            kept += [await _awaited(make()) for _ in range(count)]
            gc.collect()
            return (tracemalloc.get_traced_memory()[0] - before) / count
        finally:
            tracemalloc.stop()

    def _loops(self, timer: Timer) -> int:
        number, seconds = timer.autorange()
        return max(1, round(number * self._batch / seconds))

    def _in_unit(self, seconds: float, part: str) -> float:
        return seconds / SECONDS[self.row.units.get(part, self.row.unit)]


async def _samples(call: Callable[[], Awaitable[object]], count: int) -> list[float]:
    times = []
    for _ in range(count):
        start = time.perf_counter()
        await call()
        times.append(time.perf_counter() - start)
    return times


async def _awaited(made: object) -> object:
    return await made if inspect.isawaitable(made) else made
