"""A tone, and how loud samples are."""

from __future__ import annotations

import math
from array import array

__all__ = ["loudness", "tone"]


def tone(first: int, samples: int) -> bytes:
    """s16le, loud; continues at the sample `first`."""
    wave = (round(9_000 * math.sin(n / 6)) for n in range(first, first + samples))
    return array("h", wave).tobytes()


def loudness(pcm: bytes) -> int:
    """The loudest sample, 0 to 32,768."""
    return max(map(abs, array("h", pcm)), default=0)
