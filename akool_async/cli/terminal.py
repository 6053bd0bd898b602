"""What the commands print, and how errors and lists look."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["Printer", "fail", "printer", "show"]


class Printer:
    """Standard output, without wrapping or colouring what an avatar says by accident."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def line(self, text: str = "", *, style: str | None = None) -> None:
        """One line, as it is."""
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def piece(self, text: str, *, style: str | None = None) -> None:
        """A piece of a line, shown at once."""
        self.console.print(
            printable(text), style=style, markup=False, highlight=False, soft_wrap=True, end=""
        )
        self.console.file.flush()


def printable(text: str) -> str:
    """Without the control characters that could play tricks on a terminal, tabs and lines kept."""
    return "".join(c if c in "\n\t" or c.isprintable() else "\ufffd" for c in text)


def printer() -> Printer:
    """For standard output as it is now; bytes it can't encode are replaced, never fatal."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Printer(Console())


def fail(text: str) -> None:
    """One line on standard error."""
    Console(stderr=True).print(
        f"akool: {text}", style="red", markup=False, highlight=False, soft_wrap=True
    )


def show(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, title: str
) -> None:
    """Prints records as a table of some of their columns, or whole as JSON."""
    found = list(rows)
    out = printer()
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=2, default=str) + "\n")
        return
    if not found:
        out.line(f"no {title}")
        return
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for record in found:
        cells = (record.get(column) for column in columns)
        table.add_row(*("" if cell is None else _cell(cell) for cell in cells))
    # Written to a pipe, a table is as wide as it needs to be; `cut` and `grep` see whole lines.
    console = out.console if out.console.is_terminal else Console(width=10_000)
    console.print(table, markup=False, highlight=False)
    count = f"{len(found)} {title}"
    Console(stderr=True).print(count, style="dim", highlight=False)


def _cell(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return printable(text).replace("\n", " ")


def quiet_pipe() -> None:
    """Standard output was closed by its reader (`| head`): nothing more is written to it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
