"""What a part of a campaign found: counts, and violations with their seed and steps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from memory import Memory

__all__ = ["Report", "Violation"]


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not happen. `again` are the arguments that run its seed alone."""

    what: str
    again: str
    steps: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [self.what, f"    again: python tests/campaign {self.again}"]
        return "\n".join([*lines, *(f"    - {step}" for step in self.steps)])


@dataclass(slots=True)
class Report:
    """The counts of one part, in the order in which they are named first."""

    part: str
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)

    def judge_memory(self, again: str) -> None:
        """Adds a violation where memory grew; `again` are the arguments of the whole part."""
        if self.memory.grew:
            self.violations.append(Violation(f"{self.memory}: it grew", again))

    def __str__(self) -> str:
        counted = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        return f"{self.part}: {counted}; {len(self.violations)} violations; {self.memory}"
