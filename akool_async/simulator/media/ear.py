"""Where a turn of speech begins and ends in a microphone's sound, by its loudness."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RATE", "TurnDetector"]

#: Hz of what is heard; a room resamples to it.
RATE: Final = 48_000
#: Root mean square of a piece from which it counts as speech, of 32768.
_LOUD: Final = 300.0
#: Seconds kept from before a turn, whose first sound may be too soft.
_BEFORE: Final = 0.1
#: Seconds without any loud piece after which a turn ends though no quiet was heard: a muted
#: microphone sends nothing, and on a busy machine what was sent comes late.
_NOTHING: Final = 1.5
#: The longest turn, in seconds; it is cut there.
_LONGEST: Final = 60.0


class TurnDetector:
    """Collects what is said until it is quiet for a while.

    Args:
        end_of_turn: seconds of quiet that end a turn. Seconds of sound: what comes late does not
            end it.
    """

    def __init__(self, end_of_turn: float) -> None:
        self._end_of_turn = end_of_turn
        self._before: deque[NDArray[Any]] = deque()
        self._turn: list[NDArray[Any]] = []
        self._length = 0
        self._quiet = 0
        self._last_loud = 0.0

    @property
    def speaking(self) -> bool:
        """Whether a turn has begun and not ended."""
        return bool(self._turn)

    def add(self, samples: NDArray[Any], now: float) -> NDArray[Any] | None:
        """Takes int16 mono at `RATE`; the turn that ended by it."""
        loud = len(samples) > 0 and float(np.sqrt(np.mean(samples.astype(np.float32) ** 2)))
        if loud > _LOUD:
            if not self._turn:
                self._turn = list(self._before)
                self._before.clear()
            self._quiet, self._last_loud = 0, now
        elif not self._turn:
            self._before.append(samples)
            while sum(map(len, self._before)) - len(self._before[0]) >= _BEFORE * RATE:
                self._before.popleft()
            return None
        else:
            self._quiet += len(samples)
        self._turn.append(samples)
        self._length += len(samples)
        if self._quiet >= self._end_of_turn * RATE or self._length >= _LONGEST * RATE:
            return self._end()
        return None

    def poll(self, now: float) -> NDArray[Any] | None:
        """The turn that ended because nothing came any more."""
        limit = max(_NOTHING, self._end_of_turn)
        return self._end() if self._turn and now - self._last_loud >= limit else None

    def _end(self) -> NDArray[Any]:
        turn = np.concatenate(self._turn)
        self._turn, self._length, self._quiet = [], 0, 0
        return turn
