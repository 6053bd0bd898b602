"""Records as tables for people, or as JSON for programs; `docs/cli.md` documents the JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rich.table import Table

from akool_async.cli.options import Page
from akool_async.cli.terminal import as_it_is, note, printer, write
from akool_async.models.base import Answer
from akool_async.resources.pagination import AsyncPaginator

__all__ = ["Found", "one_page", "plain", "show", "show_json", "show_one"]

T = TypeVar("T")
Record = Mapping[str, Any]

#: The longest page that every list call of the service takes.
_LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What a list command found.

    Attributes:
        items: at most `--limit` of them.
        count: how many there are in all; `None` where the service doesn't say.
        next_page: the `--page` that goes on with the same `--limit`; `None`: there is none.
    """

    items: list[T]
    count: int | None
    next_page: int | None


def plain(record: Answer) -> dict[str, Any]:
    """A record as the service writes it, without its secrets."""
    return record.to_dict()


async def one_page(listing: Callable[[int, int], AsyncPaginator[T]], part: Page) -> Found[T]:
    """The items that `--page` and `--limit` mean, in as few calls as that takes.

    Args:
        listing: a list call, given the service's page and its size.
        part: its limit may be more than a page of the service holds.
    """
    page, limit = part.page, part.limit
    size = min(limit, _LARGEST_PAGE)
    number, skipped = divmod((page - 1) * limit, size)
    items: list[T] = []
    count = None
    more = True
    while more and len(items) < skipped + limit:
        number += 1
        answer = await listing(number, size)
        items += answer.items
        count = answer.count if answer.count is not None else count
        more = answer.has_more
    more = more or len(items) > skipped + limit
    return Found(items[skipped : skipped + limit], count, page + 1 if more else None)


def show(
    found: Found[dict[str, Any]],
    columns: Sequence[str],
    *,
    as_json: bool,
    title: str,
    rows: Iterable[Record] = (),
) -> None:
    """Prints records as a table of some of their columns, or whole as JSON.

    Args:
        found: the records.
        columns: of the table.
        as_json: prints JSON.
        title: what the records are, in the plural.
        rows: what the table shows in place of the records.
    """
    if as_json:
        show_json(found.items, count=found.count, next_page=found.next_page)
        return
    out = printer()
    if not found.items:
        out.line(f"no {title}")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")  # ids are never shortened
    for record in list(rows) or found.items:
        cells = (record.get(column) for column in columns)
        table.add_row(*(as_it_is("" if cell is None else _cell(cell)) for cell in cells))
    out.table(table)
    total = f" of {found.count}" if found.count not in (None, len(found.items)) else ""
    more = f"; --page {found.next_page} shows more" if found.next_page is not None else ""
    note(f"{len(found.items)}{total} {title}{more}")


def show_one(record: Record, *, as_json: bool) -> None:
    """Prints one record: a line per field, or JSON of the same shape as a list's."""
    if as_json:
        show_json([record])
        return
    out = printer()
    for name, value in record.items():
        if value is not None:
            shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
            out.line(f"{name}: {_cell(shown)}")


def show_json(
    items: Sequence[Record], *, count: int | None = None, next_page: int | None = None
) -> None:
    """Prints `{"items": […], "count": …, "next_page": …}`, whatever the output's encoding is."""
    whole = {
        "items": items,
        "count": len(items) if count is None and next_page is None else count,
        "next_page": next_page,
    }
    text = json.dumps(whole, ensure_ascii=False, indent=2, default=str) + "\n"
    try:
        text.encode(sys.stdout.encoding or "utf-8", "strict")
    except UnicodeEncodeError:
        text = json.dumps(whole, ensure_ascii=True, indent=2, default=str) + "\n"
    write(text)


def _cell(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text.replace("\n", " ")
