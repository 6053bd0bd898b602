"""The tables of docs/errors.md."""

from __future__ import annotations

import error_page
from akool_async import errors

EXCEPTIONS = {
    name
    for name in errors.__all__
    if isinstance(getattr(errors, name), type) and issubclass(getattr(errors, name), Exception)
}


def test_every_exception_has_a_remedy_and_none_is_left_over():
    assert error_page.REMEDIES.keys() == EXCEPTIONS


def test_the_tree_has_every_exception_once_below_its_base():
    listed = list(error_page.exceptions())
    assert {kind.__name__ for _, kind in listed} == EXCEPTIONS
    assert len(listed) == len(EXCEPTIONS)
    path: list[type[BaseException]] = []
    for depth, kind in listed:
        path[depth:] = [kind]
        assert depth == 0 or path[depth - 1] in kind.__bases__


def test_a_row_says_what_happened_and_what_to_do():
    rows = error_page.tree().splitlines()
    assert len(rows) == 2 + len(EXCEPTIONS)
    (row,) = [row for row in rows if "`BusyError`" in row]
    indent, happened, to_do = row.strip("| ").split(" | ")
    assert indent.startswith("&nbsp;")
    assert "in use by another session" in happened
    assert to_do == error_page.REMEDIES["BusyError"]


def test_every_code_is_listed():
    rows = error_page.codes().splitlines()[2:]
    assert [int(row.split("|")[1]) for row in rows] == sorted(errors.CODES)
