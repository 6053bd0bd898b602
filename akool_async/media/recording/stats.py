"""A recording's figures."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RecordingStats"]


@dataclass(frozen=True, slots=True)
class RecordingStats:
    """A recording's figures so far.

    Attributes:
        seconds: how long the file is.
        size: its bytes.
        pictures: written to it; a picture that is shown longer may be written again.
        pictures_dropped: not written because the machine was too slow; the ones before them are
            shown longer, so that picture and sound stay together.
        pictures_late: not written because they came for a time that was written already.
        sound_dropped: seconds of sound not written because the machine was too slow.
        silence: seconds of silence put in where no sound came, of all tracks.
    """

    seconds: float = 0.0
    size: int = 0
    pictures: int = 0
    pictures_dropped: int = 0
    pictures_late: int = 0
    sound_dropped: float = 0.0
    silence: float = 0.0
