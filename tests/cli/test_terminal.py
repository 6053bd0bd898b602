import io
import json
import logging

import pytest
from rich.console import Console

from akool_async.cli.terminal import Printer, _OneLine, printable, show

ROWS = [
    {"avatar_id": "a", "name": "Ann", "tags": ["x", "y"], "extra": 1},
    {"avatar_id": "b" * 300, "name": None},
]


def test_a_table_in_a_pipe_is_neither_cut_nor_coloured(capsys):
    show(ROWS, ("avatar_id", "name", "tags"), as_json=False, title="avatars")
    captured = capsys.readouterr()
    heading, first, second = captured.out.splitlines()
    assert heading.split() == ["avatar_id", "name", "tags"]
    assert first.split() == ["a", "Ann", "x,", "y"]
    assert second.split() == ["b" * 300]
    assert captured.err.strip() == "2 avatars"


def test_json_holds_whole_records(capsys):
    show(ROWS, ("avatar_id",), as_json=True, title="avatars")
    assert json.loads(capsys.readouterr().out) == ROWS


def test_nothing_found(capsys):
    show([], ("avatar_id",), as_json=False, title="avatars")
    assert capsys.readouterr().out == "no avatars\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[2Jcleared", "\ufffd[2Jcleared"),
        ("back\rwards", "back\ufffdwards"),
        ("emoji 👋 中文", "emoji 👋 中文"),
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
