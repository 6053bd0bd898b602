import io
import logging
import os
import sys
from pathlib import Path

import pytest
from rich.console import Console

from akool_async.cli.terminal import OutputError, Printer, _Console, _OneLine, printable, write


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[2Jcleared", "\ufffd[2Jcleared"),
        ("back\rwards", "back\ufffdwards"),
        ("emoji 👋 中文", "emoji 👋 中文"),
        ("1\u00a0000 €\u202f!", "1\u00a0000 €\u202f!"),  # no-break spaces
        ("\u3000全角", "\u3000全角"),
        ("می\u200cخواهم \u200fعربي", "می\u200cخواهم \u200fعربي"),
        (
            "👩\u200d💻 🏴\U000e0067\U000e0062\U000e007f",
            "👩\u200d💻 🏴\U000e0067\U000e0062\U000e007f",
        ),
        ("a\u00adb\u2066c\u2069\u2028d", "a\u00adb\u2066c\u2069\u2028d"),
        ("\U0001fae9 of a newer Unicode", "\U0001fae9 of a newer Unicode"),
        ("exe\u202egpj.", "exe\ufffdgpj."),  # shows the rest backwards
        ("c1 \x9b2J", "c1 \ufffd2J"),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_what_could_play_tricks_on_a_terminal_is_replaced(text, shown):
    assert printable(text) == shown


def test_pieces_are_shown_as_they_are():
    out = io.StringIO()
    printer = Printer(Console(file=out, force_terminal=True, width=20, color_system=None))
    printer.piece("[bold]not markup[/bold] :smile: ")
    printer.piece("a long line that isn't wrapped by anybody")
    assert out.getvalue() == (
        "[bold]not markup[/bold] :smile: a long line that isn't wrapped by anybody"
    )


def test_a_logged_exception_is_one_line_without_its_text():
    try:
        raise ValueError("token=secret")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("any", logging.ERROR, "", 1, "it %s", ("broke",), info)
    assert _OneLine().format(record) == "akool: it broke (ValueError)"


def test_output_that_cannot_be_written_says_why(monkeypatch):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(OutputError, match="can't write to standard output: No space left"):
            write("text\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())  # so that closing it works


def test_a_broken_pipe_is_raised_as_such_and_not_as_an_exit():
    read, written = os.pipe()
    os.close(read)
    with os.fdopen(written, "w") as file:
        printer = Printer(_Console(file=file))
        with pytest.raises(BrokenPipeError):
            printer.line("text")
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())
