"""What a network may do to packets: lose, double, reorder and delay them, repeatably."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

__all__ = ["NetworkConditions"]


@dataclass(slots=True)
class NetworkConditions:
    """Chances from 0 to 1, delays in seconds; may be changed while the room is open.

    Attributes:
        loss: a packet never arrives.
        double: a packet arrives twice.
        reorder: a packet arrives after the one sent next (or `reorder_delay` later).
        delay: every packet arrives this much later.
        reorder_delay: how long a reordered packet is held at most.
        seed: makes a run repeatable.
    """

    loss: float = 0.0
    double: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    reorder_delay: float = 0.05
    seed: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    @property
    def perfect(self) -> bool:
        """Whether nothing is done to packets."""
        return not (self.loss or self.double or self.reorder or self.delay)

    def deliveries(self) -> list[float]:
        """When the next packet arrives, in seconds from now: none, one or two times."""
        rng = self._random
        if self.loss and rng.random() < self.loss:
            return []
        late = self.reorder_delay * rng.random() if rng.random() < self.reorder else 0.0
        times = [self.delay + late]
        if self.double and rng.random() < self.double:
            times.append(self.delay + self.reorder_delay * rng.random())
        return times
