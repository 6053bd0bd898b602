"""Where a text that is still being written may be cut: after a sentence, or after a clause."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["CLAUSE_FROM", "boundary", "sentence_end"]

#: From this many characters on a clause is long enough for a packet of its own.
CLAUSE_FROM: Final = 60

#: A full stop ends a sentence only when a space follows ("3.14", "e.g."-like cuts are rare and
#: harmless); marks of languages written without spaces end one by themselves.
_SENTENCE: Final = re.compile(r"[.!?…]+[\"'”’)\]]*\s+|[。！？｡]+[」』”’）]*|\n+\s*")
_CLAUSE: Final = re.compile(r"[,;:–—]\s+|[、，；：]")


def sentence_end(text: str) -> int:
    """Where the first whole sentence ends, its spaces included; 0 where none does."""
    found = _SENTENCE.search(text)
    return found.end() if found else 0


def boundary(text: str, *, clauses: bool) -> int:
    """Where the last sentence ends, or, with `clauses`, the last clause; 0 where none does."""
    end = 0
    for found in _SENTENCE.finditer(text):
        end = found.end()
    if clauses:
        for found in _CLAUSE.finditer(text, end):
            end = found.end()
    return end
