"""What the commands write: lines, pieces of lines, errors; and the logging of a command line."""

from __future__ import annotations

import io
import logging
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = [
    "OutputError",
    "Printer",
    "as_it_is",
    "discard_output",
    "fail",
    "flush_output",
    "note",
    "open_missing_streams",
    "printable",
    "printer",
    "set_up_logging",
    "write",
    "writing",
]

#: They turn the direction of all that follows, which can hide what a name really is. Isolates and
#: marks, which languages written from right to left need, are shown as they are.
_OVERRIDES: Final = "\u202d\u202e"


class OutputError(OSError):
    """Standard output can't be written: the disk is full, the terminal is gone."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # Rich would raise SystemExit, inside whatever task writes.
        raise BrokenPipeError


class Printer:
    """Standard output; text is neither wrapped nor read as markup.

    Everything is written at once. `OutputError` is raised where that fails, and `BrokenPipeError`
    where the reader of a pipe is gone.
    """

    def __init__(self, console: Console) -> None:
        self.console = console

    def line(self, text: str = "", *, style: str = "") -> None:
        """One line, as it is."""
        self.piece(text + "\n", style=style)

    def piece(self, text: str, *, style: str = "") -> None:
        """A piece of a line."""
        with writing():
            self.console.print(as_it_is(text, style), soft_wrap=True, end="")
            self.console.file.flush()

    def table(self, table: Table) -> None:
        """A table; in a pipe as wide as it needs to be: `cut` and `grep` see whole lines."""
        console = self.console if self.console.is_terminal else _Console(width=10_000)
        with writing():
            console.print(table)
            console.file.flush()


def as_it_is(text: str, style: str = "") -> Text:
    """Text for rich, which would read markup, emoji names and links in a string."""
    return Text(printable(text), style=style)


def printable(text: str) -> str:
    """The text with characters that control a terminal replaced by U+FFFD; tabs and lines stay.

    Spaces, joiners, marks of direction and characters newer than this Python are text.
    """
    return "".join(c if c.isprintable() or not _controls(c) else "\ufffd" for c in text)


def _controls(character: str) -> bool:
    if character in "\n\t":
        return False
    return unicodedata.category(character) in ("Cc", "Cs") or character in _OVERRIDES


def printer() -> Printer:
    """For standard output as it is now; characters it can't encode are replaced, never fatal."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Printer(_Console())


def write(text: str) -> None:
    """Writes to standard output, for programs to read: nothing is replaced.

    Raises:
        OutputError, BrokenPipeError: as `Printer`.
    """
    with writing():
        sys.stdout.write(text)
        sys.stdout.flush()


def flush_output() -> None:
    """Writes what is still buffered; raises as `Printer`."""
    with writing():
        sys.stdout.flush()


@contextmanager
def writing() -> Iterator[None]:
    """While it lasts, errors of writing are `OutputError`, or `BrokenPipeError`."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(error.errno, f"can't write to standard output: {reason}") from error


def fail(text: str) -> None:
    """One line on standard error, where that can be written."""
    with suppress(OSError, ValueError):
        Console(stderr=True).print(as_it_is(f"akool: {text}", "red"), soft_wrap=True)


def note(text: str) -> None:
    """A line on standard error that isn't about a failure."""
    with suppress(OSError, ValueError):
        Console(stderr=True).print(as_it_is(text, "dim"), soft_wrap=True)


def discard_output() -> None:
    """Standard output can't be written any more: nothing is, also when the interpreter ends."""
    _discard(sys.stdout)


def empty_buffers() -> None:
    """Writes what is still buffered, or drops it where that fails, as in a window that is closed.

    The interpreter tries that when it ends, and a failure then makes the exit status 120.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            _discard(stream)


def _discard(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def open_missing_streams() -> None:
    """Opens the null device in place of standard streams that are closed (`<&-`, `>&-`).

    A socket would else get the descriptor of one, and be written to as if it were the stream.
    `sys.stdin` stays `None` where it was: a command that reads must know.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest one that is free, which is this
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to standard error as it is then: a chat's prompt takes its place."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _OneLine(logging.Formatter):
    """Warnings as the other errors look; of an exception its kind, for its text may be anything."""

    def format(self, record: logging.LogRecord) -> str:
        kind = record.exc_info[0] if record.exc_info else None
        return f"akool: {record.getMessage()}" + (f" ({kind.__name__})" if kind else "")


def set_up_logging(*, verbose: bool = False) -> None:
    """Warnings go to standard error, a line each; `verbose`: requests and session events, too.

    A request's line has its method, its path and how it was answered: no header, no body.
    """
    handler = _StandardError()
    handler.setFormatter(_OneLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if verbose:
        logging.getLogger("akool_async.resources").setLevel(logging.DEBUG)
        logging.getLogger("akool_async.session").setLevel(logging.INFO)
    # It reports details of its own signalling; failures that matter are raised.
    logging.getLogger("livekit").setLevel(logging.ERROR)
