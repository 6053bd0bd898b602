"""Text in rows of a terminal: Chinese and emoji are two cells wide, marks of vowels none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from prompt_toolkit.utils import get_cwidth

__all__ = ["Fragment", "Row", "trimmed", "wrapped"]

#: A style of prompt_toolkit and a text.
Fragment: TypeAlias = tuple[str, str]
Row: TypeAlias = list[Fragment]

#: Joins what follows to what is before it: a flag, a family.
_JOINER: Final = "\u200d"


def wrapped(fragments: Iterable[Fragment], columns: int) -> list[Row]:
    """The text in rows of at most `columns` cells, cut after spaces where there are any.

    The text has no line ends. Nothing is left out: a row may end with a space that has no cell any
    more, which `trimmed` takes away.
    """
    rows: list[Row] = []
    row: Row = []
    width = 0
    space = -1  # index of the row's last space
    for style, text in fragments:
        for character in text:
            cells = get_cwidth(character)
            joined = character == " " or (row and row[-1][1] == _JOINER)
            while row and width + cells > columns and not joined:
                cut = space + 1 or len(row)
                rows.append(row[:cut])
                row = row[cut:]
                width, space = sum(get_cwidth(one) for _, one in row), -1
            if character == " ":
                space = len(row)
            row.append((style, character))
            width += cells
    rows.append(row)
    return [_joined(one) for one in rows]


def trimmed(row: Row) -> Row:
    """The row without spaces at its end."""
    if not row:
        return row
    *head, (style, text) = row
    return [*head, (style, text.rstrip(" "))]


def _joined(row: Row) -> Row:
    """The row with neighbours of one style as one fragment."""
    found: Row = []
    for style, text in row:
        if found and found[-1][0] == style:
            found[-1] = (style, found[-1][1] + text)
        else:
            found.append((style, text))
    return found
