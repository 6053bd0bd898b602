"""Whether the campaign's own memory stays what it was."""

from __future__ import annotations

import gc
import statistics
import time
from array import array
from collections.abc import Callable
from typing import Final

import psutil

__all__ = ["Memory"]

#: Seconds between two looks, each after a batch, when nothing of it is needed any more.
EVERY: Final = 1.0
#: With fewer looks nothing is said: the first ones are of a program that still grows into its size.
ENOUGH: Final = 8
#: It is flat while the last quarter isn't above the second one by this factor and so many MB.
FACTOR: Final = 1.1
SLACK: Final = 8.0


def _resident() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


class Memory:
    """Looks at the process's resident memory between batches.

    Args:
        resident: MB at this moment.
    """

    def __init__(self, resident: Callable[[], float] = _resident) -> None:
        self._resident = resident
        self._looks = array("d")
        self._next = 0.0

    def look(self) -> None:
        """After a batch; most calls do nothing."""
        if time.monotonic() >= self._next:
            self._looks.append(self._resident())
            self._next = time.monotonic() + EVERY

    @property
    def judged(self) -> bool:
        """Whether there were enough looks to say something."""
        return len(self._looks) >= ENOUGH

    @property
    def early(self) -> float:
        """MB in the second quarter of the looks."""
        quarter = len(self._looks) // 4
        return statistics.median(self._looks[quarter : 2 * quarter])

    @property
    def late(self) -> float:
        """MB in the last quarter."""
        return statistics.median(self._looks[-(len(self._looks) // 4) :])

    @property
    def grew(self) -> bool:
        """Whether it isn't flat."""
        return self.judged and self.late > self.early * FACTOR + SLACK

    def __str__(self) -> str:
        if not self.judged:
            return f"memory not judged after {len(self._looks)} looks"
        return f"memory {self.early:.0f} MB early, {self.late:.0f} MB late"
