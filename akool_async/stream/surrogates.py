"""Halves of surrogate pairs: a Python string and a JSON string can hold one, UTF-8 can't.

A careless sender cuts a text inside a character (docs/protocol.md §2 "Received"): one part ends
with the high half, the next begins with the low one. Joined, they are the character; a half alone
is replaced by U+FFFD in what is received, and refused in what is sent.
"""

from __future__ import annotations

import re
from typing import Final

from akool_async.errors import InvalidParameterError

__all__ = [
    "SurrogateJoiner",
    "ends_with_high_surrogate",
    "has_surrogates",
    "join_surrogates",
    "replace_surrogates",
]

_find: Final = re.compile("[\ud800-\udfff]").search
_replace: Final = re.compile("[\ud800-\udfff]").sub


def has_surrogates(text: str) -> bool:
    """Whether there is half a surrogate pair in it."""
    return _find(text) is not None


def ends_with_high_surrogate(text: str) -> bool:
    """Whether the first half of a pair is its last character."""
    return "\ud800" <= text[-1:] <= "\udbff"


def join_surrogates(text: str) -> str:
    """Makes one character of each high half followed by a low one; others stay as they are."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def replace_surrogates(text: str) -> str:
    """The text with pairs joined and each other half replaced by U+FFFD: UTF-8 can hold it."""
    return _replace("\N{REPLACEMENT CHARACTER}", join_surrogates(text)) if _find(text) else text


class SurrogateJoiner:
    """Joins the halves of pairs that were cut between the pieces of one text.

    Args:
        field: the name that an error gives the text.
    """

    __slots__ = ("_field", "_high", "_length")

    def __init__(self, field: str = "text") -> None:
        self._field = field
        self._high = ""
        self._length = 0

    def add(self, piece: str) -> str:
        """The piece with whole characters; a high half at its end waits for the next piece.

        Raises:
            InvalidParameterError: half of a pair that its other half isn't next to.
        """
        if self._high:
            piece, self._high = self._high + piece, ""
        elif not _find(piece):
            self._length += len(piece)
            return piece
        piece = join_surrogates(piece)
        if ends_with_high_surrogate(piece):
            piece, self._high = piece[:-1], piece[-1]
        if match := _find(piece):
            raise self._error(match.start())
        self._length += len(piece)
        return piece

    def finish(self) -> None:
        """There are no more pieces.

        Raises:
            InvalidParameterError: the text ended with a high half.
        """
        if self._high:
            raise self._error(0)

    def _error(self, at: int) -> InvalidParameterError:
        return InvalidParameterError(
            self._field,
            f"has half of a surrogate pair at {self._length + at}, which UTF-8 can't hold; "
            "the text was cut inside a character: remove or complete it",
        )
