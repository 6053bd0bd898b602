"""Where a text that is still being written may be cut: after sentences, clauses, or between words.

`SentenceFinder` looks at each character a bounded number of times, however the text arrives: in one
piece, in tokens of a language model, or as thousands of marks in a row.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from akool_async.errors import InvalidParameterError

__all__ = ["SentenceFinder", "Splitter"]

#: Gives the sentences of a text, in order. White space between them may be left out, nothing else.
#: While text still arrives, the last one counts as unfinished and is given to it again later.
Splitter: TypeAlias = Callable[[str], Iterable[str]]

#: These end a sentence only where white space follows: "3.14" is one word.
_WEAK: Final = ".!?…‼⁇⁈⁉‽\u037e"
#: These end a sentence by themselves: line breaks and the marks of East Asian languages,
#: Devanagari, Arabic, Urdu, Armenian, Ethiopic, Khmer, Burmese, Tibetan, Syriac, N'Ko, Mongolian,
#: Ol Chiki, Balinese, Javanese, Cham, Meetei and Lisu.
_STRONG: Final = "\n。！？｡।॥؟۔։።፧፨។៕။།܀܁܂߹᠃᠉᱾᱿᭚᭛᭞᭟꧈꧉꩝꩞꩟꫰꫱꯫꓿"
_CLOSERS: Final = "\"'”’)\\]」』》】）»"
_WEAK_CLAUSE: Final = ",;:–—"
_STRONG_CLAUSE: Final = "、，；：،؛՝፣፤፥၊"

_find_mark: Final = re.compile(f"[{_WEAK}{_STRONG}{_WEAK_CLAUSE}{_STRONG_CLAUSE}]").search
_skip_run: Final = re.compile(f"[{_WEAK}{_STRONG}{_CLOSERS}]*").match
_skip_spaces: Final = re.compile(r"\s*").match
_find_strong: Final = re.compile(f"[{_STRONG}]").search
_find_word: Final = re.compile(r"[^\W_]").search
_last_word: Final = re.compile(r"[^\s(\[{\"'“‘„«]+$").search

#: After these a full stop doesn't end a sentence.
_ABBREVIATIONS: Final = frozenset(
    """
    mr mrs ms mx dr prof rev hon st gen col capt lt sgt mt messrs vs approx e.g i.e cf
    hr fr nr abs bzw z.b d.h u.a s.o m mm mme mlle sr sra srta dra ud uds pág dott sig
    г ул им т.е т.к т.д
    """.split()  # noqa: SIM905 - as a list it takes forty lines
)
#: Characters before a full stop in which an abbreviation is looked for.
_LONGEST_ABBREVIATION: Final = 10
#: Up to here a single letter is an initial ("J. Smith"); beyond, a letter may be a word.
_LAST_CYRILLIC: Final = "\u052f"
#: A sentence that is nothing but so many digits is the number of a list's item.
_ITEM_DIGITS: Final = 3
#: Characters that a cut may move back to keep together what is drawn as one character.
_LONGEST_CLUSTER: Final = 32
_JOINER: Final = "\u200d"


class SentenceFinder:
    """Takes a text piece by piece and gives it out again, cut at good places.

    What is given out, joined, is what was taken in, in the same order.

    Args:
        splitter: finds sentences in place of the built-in rules.
        longest: characters without an end of a sentence after which the text is cut all the same,
            between words where it has any. A finished text has no such limit.
    """

    def __init__(self, splitter: Splitter | None = None, *, longest: int) -> None:
        self._splitter = splitter
        self._longest = longest
        self._text = ""
        self._later: list[str] = []
        self._later_size = 0
        self._finished = False
        # Positions in `_text`: what wasn't given out begins at `_start`, what wasn't looked at
        # begins at `_at`.
        self._start = 0
        self._at = 0
        #: Where the marks began that the characters at `_at` may continue; `None`: not in marks.
        self._run: int | None = None
        self._kind = ""
        self._sentence_start = 0
        self._words_from = 0
        self._has_word = False
        #: The end of the last clause, 0 where none is waiting.
        self._clause = 0
        #: With a splitter: the ends it found that weren't used yet, last one first.
        self._ends: list[int] = []
        #: How many characters were looked at; lets a test bound the effort.
        self.examined = 0

    @property
    def waiting(self) -> int:
        """Characters that were taken in and not given out."""
        return len(self._text) - self._start + self._later_size

    @property
    def waiting_bytes(self) -> int:
        """Their size in UTF-8."""
        return sum(len(text.encode()) for text in (self._text[self._start :], *self._later))

    def feed(self, text: str) -> None:
        """Takes more text."""
        self._later.append(text)
        self._later_size += len(text)

    def finish(self) -> None:
        """No more text follows: what remains is the last sentence."""
        self._finished = True

    def sentence(self) -> str | None:
        """The next whole sentence and the white space after it; `None`: none is whole yet.

        Raises:
            InvalidParameterError: the splitter gave what isn't part of the text.
        """
        while (end := self._next_end()) is None and self._later:
            self._take_later()
        if end is not None:
            return self._cut(end)
        if not self.waiting:
            return None
        if self._finished:
            return self._cut(len(self._text))
        if self.waiting >= self._longest:
            return self._cut(self._between_words(self._start + self._longest))
        return None

    def piece(self, *, clauses: bool) -> str | None:
        """All sentences that are whole; with `clauses`, the whole clauses after them, too.

        Raises:
            InvalidParameterError: as for `sentence`.
        """
        self._take_later()
        last = 0
        while (end := self._next_end()) is not None:
            last = end
            self._begin_sentence(end)
        if self._finished:
            last = len(self._text)
        elif clauses:
            last = max(last, self._clause)
        if last <= self._start and self.waiting >= self._longest:
            last = self._between_words(len(self._text))
        return self._cut(last) if last > self._start else None

    def rest(self) -> str | None:
        """All that is known so far, wherever it ends; `None`: nothing waits."""
        self._take_later()
        return self._cut(len(self._text)) if self.waiting else None

    def words(self) -> str | None:
        """All up to the last white space, or everything where there is none."""
        self._take_later()
        return self._cut(self._between_words(len(self._text))) if self.waiting else None

    # How it is done.

    def _take_later(self) -> None:
        if not self._later:
            return
        gone = self._start
        self._text = "".join((self._text[gone:], *self._later))
        self._later.clear()
        self._later_size = 0
        self._start = 0
        self._at -= gone
        self._sentence_start -= gone
        self._words_from -= gone
        self._clause = max(0, self._clause - gone)
        if self._run is not None:
            self._run -= gone
        if self._splitter is not None:
            self._split(self._splitter)

    def _cut(self, end: int) -> str:
        text = self._text[self._start : end]
        self._start = end
        self._at = max(self._at, end)
        self._begin_sentence(end)
        if self._run is not None:
            self._run = max(self._run, end)
        return text

    def _begin_sentence(self, start: int) -> None:
        self._sentence_start = self._words_from = start
        self._has_word = False
        if self._clause <= start:
            self._clause = 0

    def _next_end(self) -> int | None:
        """Where the next sentence ends, in what wasn't looked at yet."""
        if self._splitter is not None:
            return self._ends.pop() if self._ends else None
        text = self._text
        while self._at < len(text):
            if self._run is None and not self._find_run():
                continue
            assert self._run is not None
            if self._kind != "clause":
                self._skip_run()
            if self._at == len(text) and self._kind != "strong":
                break  # more marks or white space may follow
            spaces = _skip_spaces(text, self._at)
            assert spaces is not None
            run, marks_end, end = self._run, self._at, spaces.end()
            self.examined += end - marks_end + 1
            self._run, self._at = None, end
            if end == marks_end and self._kind != "strong":
                continue
            if self._kind == "clause":
                self._clause = end
            elif self._is_sentence(run, marks_end):
                return end
        return None

    def _find_run(self) -> bool:
        """Goes on to the next mark; `False`: there is none, or it needs nothing behind it."""
        text = self._text
        found = _find_mark(text, self._at)
        at = found.start() if found else len(text)
        self.examined += at - self._at + 1
        self._at = at
        if found is None:
            return False
        mark = text[at]
        self._at += 1
        if mark in _STRONG_CLAUSE:
            self._clause = self._at
            return False
        self._run = at
        self._kind = "clause" if mark in _WEAK_CLAUSE else "strong" if mark in _STRONG else "weak"
        return True

    def _skip_run(self) -> None:
        found = _skip_run(self._text, self._at)
        assert found is not None
        self.examined += found.end() - self._at + 1
        if self._kind == "weak" and _find_strong(self._text, self._at, found.end()):
            self._kind = "strong"
        self._at = found.end()

    def _is_sentence(self, run: int, end: int) -> bool:
        """Whether the marks from `run` to `end` end a sentence."""
        if not self._has_word:
            self.examined += max(0, run - self._words_from)
            self._has_word = _find_word(self._text, self._words_from, run) is not None
            self._words_from = max(run, self._words_from)
        if not self._has_word:
            return False
        return self._text[run:end] != "." or not self._is_abbreviation(run)

    def _is_abbreviation(self, stop: int) -> bool:
        start = max(self._sentence_start, stop - _LONGEST_ABBREVIATION)
        before = self._text[start:stop]
        self.examined += len(before)
        found = _last_word(before)
        if found is None:
            return False
        word = found.group().casefold()
        if word in _ABBREVIATIONS:
            return True
        if len(word) == 1 and word.isalpha():
            return word <= _LAST_CYRILLIC and word != "i"
        # "1. First item" at the beginning of a line.
        alone = stop - self._sentence_start <= _ITEM_DIGITS + len(before) - len(before.lstrip())
        return alone and word.isdecimal() and before.strip() == word

    def _split(self, splitter: Splitter) -> None:
        """Asks the user's splitter about all that wasn't given out."""
        text = self._text[self._start :]
        at = 0
        ends: list[int] = []
        given = splitter(text)
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise InvalidParameterError(
                "splitter", f"gave {type(given).__name__}, give a list of the sentences"
            )
        for sentence in given:
            if not isinstance(sentence, str):
                raise InvalidParameterError(
                    "splitter", f"gave {type(sentence).__name__}, give the sentences as str"
                )
            found = text.find(sentence.strip(), at)
            if found < 0 or text[at:found].strip():
                raise InvalidParameterError(
                    "splitter",
                    "gave sentences that aren't the text: each must stand in it, in order, with "
                    "nothing but white space left out",
                )
            spaces = _skip_spaces(text, found + len(sentence.strip()))
            assert spaces is not None
            at = spaces.end()
            ends.append(self._start + at)
        self._ends = [end for end in reversed(ends[:-1]) if end > self._start]

    def _between_words(self, end: int) -> int:
        """The last place up to `end` where a word ends; `end` itself where there is no space."""
        text = self._text
        at = end
        while at > self._start and not text[at - 1].isspace():
            at -= 1
        self.examined += end - at
        if at > self._start:
            return at
        at, lowest = end, max(self._start + 1, end - _LONGEST_CLUSTER)
        while lowest < at < len(text) and _belongs_together(text[at - 1], text[at]):
            at -= 1
        return at if at > lowest else end


def _belongs_together(before: str, after: str) -> bool:
    """Whether two characters may be drawn as one: marks, joined emoji, skin tones, flags."""
    if before == _JOINER or after == _JOINER or unicodedata.category(after).startswith("M"):
        return True
    return "\U0001f3fb" <= after <= "\U0001f3ff" or (
        "\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff"
    )
