"""Where frames go on the film's clock: gaps, overlaps, repeated and late pictures.

Both classes count in whole units, so nothing drifts however long a film is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["AudioTimeline", "Placement", "VideoTimeline"]

#: Seconds by which sound may be early or late before silence is put in, or samples are cut. What
#: a clock says about sound that is late by less is jitter.
TOLERANCE: Final = 0.08
#: What is more than this for as long as that, in seconds both, isn't jitter.
_EXACT: Final = 0.015
_LASTS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Placement:
    """What to write for a frame: `silence` samples, then the frame without its first `skip`."""

    silence: int = 0
    skip: int = 0


class AudioTimeline:
    """One track of sound: it has no gaps, so its position is the number of samples written.

    Attributes:
        position: samples so far.
        inserted: of these, silence put in where nothing came.
        cut: samples that came for a time that was written already.
    """

    __slots__ = ("_since", "_was_late", "cut", "inserted", "position", "rate")

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.position = 0
        self.inserted = 0
        self.cut = 0
        self._since: float | None = None
        self._was_late = False

    @property
    def seconds(self) -> float:
        """How long the track is."""
        return self.position / self.rate

    def place(self, at: float, samples: int) -> Placement:
        """A frame of `samples` that begins `at` seconds; counts it as written."""
        late = round(at * self.rate) - self.position
        silence = skip = 0
        if abs(late) > TOLERANCE * self.rate or self._stays(late, at):
            silence, skip = max(0, late), min(samples, max(0, -late))
        self.position += silence + samples - skip
        self.inserted += silence
        self.cut += skip
        return Placement(silence, skip)

    def _stays(self, late: int, at: float) -> bool:
        """Whether all sound of the last half second was early, or late."""
        if abs(late) <= _EXACT * self.rate:
            self._since = None
        elif self._since is None or (late > 0) is not self._was_late:
            self._since, self._was_late = at, late > 0
        return self._since is not None and at - self._since >= _LASTS

    def fill(self, until: float) -> int:
        """How much silence makes the track last `until`; counts it as written."""
        silence = max(0, round(until * self.rate) - self.position)
        self.position += silence
        self.inserted += silence
        return silence


class VideoTimeline:
    """The pictures' timestamps, in `ticks` to a second. Each one is after the one before.

    Attributes:
        late: pictures that came for a time that was written already.
    """

    __slots__ = ("_last", "late", "ticks")

    def __init__(self, ticks: int) -> None:
        self.ticks = ticks
        self.late = 0
        self._last = -1

    @property
    def seconds(self) -> float:
        """When the last picture begins."""
        return max(self._last, 0) / self.ticks

    def place(self, at: float) -> int | None:
        """The timestamp of a picture shown from `at` seconds on; `None`: it is too late."""
        tick = round(at * self.ticks)
        if tick <= self._last:
            self.late += 1
            return None
        self._last = tick
        return tick
