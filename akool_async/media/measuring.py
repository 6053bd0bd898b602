"""What is measured of media: subscriptions, when sound begins and ends, and frames not read."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from akool_async.media.frames import AudioFrame

__all__ = ["Measures", "SoundWatch", "SubscriptionMeasure", "is_loud"]

#: A sample of at least this height is sound, lower ones are noise: 1.5 % of the highest.
_LOUD: Final = 500
#: The avatar is silent once so many seconds were.
_QUIET_AFTER: Final = 0.2
#: What hasn't been heard after so many seconds isn't waited for.
_LONGEST_WATCH: Final = 30.0


class Measures(Protocol):
    """Takes figures of media; the conversation's `Meter` does."""

    @property
    def sound(self) -> SoundWatch:
        """Is given the avatar's sound."""
        ...

    def duration(self, name: str, seconds: float, **attributes: str | float | bool) -> None:
        """Something took `seconds`."""

    def span(
        self, name: str, seconds: float, error: str = "", /, **attributes: str | float | bool
    ) -> None:
        """Something that took `seconds` ended now, by `error` where it isn't ""."""


class SubscriptionMeasure:
    """How long a room was asked for audio or video, and how soon its first frame came."""

    def __init__(self, kind: str, time: Callable[[], float], measures: Measures) -> None:
        self._kind = kind
        self._time = time
        self._measures = measures
        self._began: float | None = None
        self._waits = False

    def began(self) -> None:
        """The room is asked for frames."""
        self._began, self._waits = self._time(), True
        if self._kind == "audio":
            self._measures.sound.reading(1)

    def frame(self) -> None:
        """A frame came."""
        if self._waits and self._began is not None:
            self._waits = False
            took = self._time() - self._began
            self._measures.duration("media.first_frame", took, **{"akool.media.kind": self._kind})

    def ended(self, error: str = "") -> None:
        """The room isn't asked any more; twice is fine."""
        began, self._began = self._began, None
        if began is not None:
            took = self._time() - began
            if self._kind == "audio":
                self._measures.sound.reading(-1)
            self._measures.span(
                "media.subscription", took, error, **{"akool.media.kind": self._kind}
            )


class SoundWatch:
    """How soon a question is heard to be answered, and an interrupt to be obeyed.

    By the avatar's sound itself, as it reaches the program, after a pause of 0.2 s or before one:
    where nothing reads it, nothing is measured.
    """

    def __init__(self, time: Callable[[], float], measures: Measures) -> None:
        self._time = time
        self._measures = measures
        self._asked: float | None = None
        self._interrupted: float | None = None
        self._loud_at = float("-inf")
        #: The frames of the last moment, each with its time, as long as nothing waits for them.
        self._recent: list[tuple[float, bytes]] = []
        self._readings = 0

    def reading(self, more: int) -> None:
        """The avatar's sound is read from now on (1), or not any more (-1), in one form of it."""
        self._readings += more
        if not self._readings:
            self._asked = self._interrupted = None
            self._recent.clear()

    def asked(self, at: float) -> None:
        """A question is on its way since `at`."""
        if self._asked is None and self._readings:
            self._look_back()
            self._asked = at

    def not_answered(self, asked: float) -> None:
        """The question of that time gets no answer, as far as is known."""
        if self._asked == asked:
            self._asked = None

    def interrupted(self, at: float) -> None:
        """An interrupt was handed to the room, perhaps once more."""
        if self._interrupted is None and self._readings:
            self._interrupted = at

    def another_begins(self) -> None:
        """The avatar begins to say something else: when the last ended can't be heard any more."""
        self._interrupted = None

    def frame(self, frame: AudioFrame) -> None:
        """A frame of the avatar's sound came."""
        now = self._time()
        if self._asked is None and self._interrupted is None:
            # Whether it was loud is only looked at where that matters: it costs more than all else
            # that is done with a frame.
            recent = self._recent
            recent.append((now, frame.pcm))
            while now - recent[0][0] >= _QUIET_AFTER:
                del recent[0]
            return
        if self._asked is not None and now - self._asked > _LONGEST_WATCH:
            self._asked = None
        if is_loud(frame.pcm):
            # After a pause: else it is what the avatar was saying before.
            if self._asked is not None and now - self._loud_at >= _QUIET_AFTER:
                self._measures.duration("question.first_heard", now - self._asked)
                self._asked = None
            self._loud_at = now
        elif self._interrupted is not None:
            self._look_for_silence(self._interrupted, now)

    def _look_back(self) -> None:
        """Whether the avatar was speaking just now."""
        for at, pcm in reversed(self._recent):
            if is_loud(pcm):
                self._loud_at = max(self._loud_at, at)
                break
        self._recent.clear()

    def _look_for_silence(self, interrupted: float, now: float) -> None:
        if now - max(self._loud_at, interrupted) < _QUIET_AFTER:
            return
        if interrupted < self._loud_at < interrupted + _LONGEST_WATCH:
            self._measures.duration("interrupt.to_quiet", self._loud_at - interrupted)
        self._interrupted = None


def is_loud(pcm: bytes, height: int = _LOUD) -> bool:
    """Whether any of these s16le samples is at least that high."""
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return bool(samples) and (max(samples) >= height or min(samples) <= -height)
