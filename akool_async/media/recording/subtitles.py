"""Subtitles: what was said, cut into cues that can be read, as WebVTT."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Cue", "Speech", "cues", "webvtt"]

#: Characters of a cue: two lines.
_LONGEST: Final = 84
#: Seconds that a cue is shown at least, where nothing follows.
_SHORTEST: Final = 0.7
_SENTENCE: Final = re.compile(r"(?<=[.!?…。！？])\s+|(?<=[。！？])")


@dataclass(frozen=True, slots=True)
class Speech:
    """What was said at once.

    Attributes:
        speaker: who said it, "avatar" for instance.
        text: what; in no repr.
        start: seconds of the film.
        end: the same.
    """

    speaker: str
    text: str = field(repr=False)
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle; times in seconds of the film."""

    speaker: str
    text: str = field(repr=False)
    start: float
    end: float


def cues(speeches: Iterable[Speech], *, length: float) -> list[Cue]:
    """The subtitles of a film that lasts `length` seconds, in the order of their beginning.

    A long text becomes several cues, each for its share of the time by its characters.
    """
    made: list[Cue] = []
    for speech in sorted(speeches, key=lambda one: one.start):
        start, end = max(speech.start, 0.0), min(speech.end, length)
        pieces = _pieces(" ".join(speech.text.split()))
        if start >= length or not pieces or speech.end <= 0:
            continue
        end = min(max(end, start + _SHORTEST), length)
        total, done = sum(map(len, pieces)), 0
        for piece in pieces:
            begin = start + (end - start) * done / total
            done += len(piece)
            made.append(Cue(speech.speaker, piece, begin, start + (end - start) * done / total))
    return sorted(made, key=lambda cue: cue.start)


def webvtt(made: Iterable[Cue]) -> str:
    """A WebVTT file's text; each cue names its speaker by a voice tag."""
    blocks = ["WEBVTT"]
    blocks += [
        f"{_time(cue.start)} --> {_time(cue.end)}\n<v {_escaped(cue.speaker)}>{_escaped(cue.text)}"
        for cue in made
    ]
    return "\n\n".join(blocks) + "\n"


def _pieces(text: str) -> list[str]:
    """Sentences, cut at spaces where they are longer than a cue."""
    pieces: list[str] = []
    for sentence in _SENTENCE.split(text):
        rest = sentence.strip()
        while len(rest) > _LONGEST:
            at = rest.rfind(" ", 0, _LONGEST + 1)
            cut = at if at > 0 else _LONGEST
            pieces.append(rest[:cut].strip())
            rest = rest[cut:].strip()
        if rest:
            pieces.append(rest)
    return pieces


def _time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
