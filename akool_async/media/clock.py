"""The session's media clock, and the places of received frames on it.

Seconds since the session was joined. What arrives carries no common time: LiveKit's audio has none
at all, and its pictures one of the sender's. So a stream is placed by the arrival of its first
frame; what follows has its time from its samples, or from the differences between capture times.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

__all__ = ["AudioTimeline", "Lateness", "MediaClock", "VideoTimeline"]

#: Later than this by its time, and for as long as this: a gap in the stream, both in seconds. What
#: the loop held up arrives late, too, but all at once.
_GAP: Final = 0.2
_GAP_LASTS: Final = 0.3
#: The part of a frame by which one may overlap the one before.
_BACK: Final = 0.25
#: The smallest step between two pictures, in seconds.
_STEP: Final = 1e-4


class MediaClock:
    """Seconds since `start`, which is called when the session is joined."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._zero = time()

    def start(self) -> None:
        """The session was joined now."""
        self._zero = self._time()

    def now(self) -> float:
        """Seconds since then."""
        return self._time() - self._zero


class Lateness:
    """Whether a stream stays late: frames were lost or never sent."""

    def __init__(self) -> None:
        self._since: float | None = None

    def stays(self, late: float, now: float) -> bool:
        """`late` seconds by its own time, at `now`."""
        if late <= _GAP:
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since >= _GAP_LASTS:
            self._since = None
            return True
        return False


class AudioTimeline:
    """Places audio by its samples. Time never goes back; a gap is a jump.

    A frame ends when it arrives. One that comes earlier than expected shows that those before had
    come late, as the first ones do on a busy loop: the stream is moved back, a part of a frame at a
    time.
    """

    def __init__(self, clock: MediaClock, sample_rate: int) -> None:
        self._clock = clock
        self._rate = sample_rate
        self._next = 0.0
        self._placed = False
        self._lateness = Lateness()

    def start(self) -> None:
        """What comes next is placed by its arrival."""
        self._placed = False
        self._lateness = Lateness()

    def place(self, samples: int, more: int = 0) -> float:
        """The time of a frame that just arrived, together with `more` samples that follow it."""
        now, seconds = self._clock.now(), samples / self._rate
        late = now - seconds - more / self._rate - self._next
        if not self._placed or self._lateness.stays(late, now):
            self._placed = True
            self._next += max(0.0, late)
        elif late < 0:
            self._next -= min(-late, _BACK * seconds)
        at = self._next
        self._next = at + seconds
        return at


class VideoTimeline:
    """Places pictures by when they were taken. Time always goes on."""

    def __init__(self, clock: MediaClock) -> None:
        self._clock = clock
        self._last = -math.inf
        #: From the sender's clock to ours.
        self._offset: float | None = None
        self._lateness = Lateness()

    def start(self) -> None:
        """What comes next is placed by its arrival."""
        self._offset = None
        self._lateness = Lateness()

    def place(self, captured: float | None) -> float:
        """The time of a picture that just arrived."""
        now = at = self._clock.now()
        if captured is not None:
            offset = now - captured
            # One that comes earlier than expected shows that those before had come late.
            if (
                self._offset is None
                or offset < self._offset
                or self._lateness.stays(offset - self._offset, now)
            ):
                self._offset = offset
            at = captured + self._offset
        self._last = max(at, self._last + _STEP)
        return self._last
