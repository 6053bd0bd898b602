"""What the commands print, and how errors and lists look."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["Printer", "fail", "printer", "quiet_pipe", "set_up_logging", "show"]


class Printer:
    """Standard output, without wrapping or colouring what an avatar says by accident."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def line(self, text: str = "", *, style: str = "") -> None:
        """One line, as it is."""
        self.console.print(_as_it_is(text, style), soft_wrap=True)

    def piece(self, text: str, *, style: str = "") -> None:
        """A piece of a line, shown at once."""
        self.console.print(_as_it_is(text, style), soft_wrap=True, end="")
        self.console.file.flush()


def _as_it_is(text: str, style: str = "") -> Text:
    # A `Text`, because in a string rich would read markup, emoji names and links.
    return Text(printable(text), style=style)


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
    Console(stderr=True).print(_as_it_is(f"akool: {text}", "red"), soft_wrap=True)


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
        table.add_row(*(_as_it_is("" if cell is None else _cell(cell)) for cell in cells))
    # Written to a pipe, a table is as wide as it needs to be; `cut` and `grep` see whole lines.
    console = out.console if out.console.is_terminal else Console(width=10_000)
    console.print(table)
    Console(stderr=True).print(_as_it_is(f"{len(found)} {title}", "dim"))


def _cell(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text.replace("\n", " ")


class _OneLine(logging.Formatter):
    """Warnings as the other errors look; of an exception its kind, for its text may be anything."""

    def format(self, record: logging.LogRecord) -> str:
        kind = record.exc_info[0] if record.exc_info else None
        return f"akool: {record.getMessage()}" + (f" ({kind.__name__})" if kind else "")


def set_up_logging() -> None:
    """Warnings go to standard error, a line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # Its remarks about its own signalling say nothing to a person; what matters is raised.
    logging.getLogger("livekit").setLevel(logging.ERROR)


def quiet_pipe() -> None:
    """Standard output was closed by its reader (`| head`): nothing more is written to it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
