"""The groups of commands about records, in this process and without a service."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from akool_async.cli import groups

RUN = CliRunner()


@pytest.mark.parametrize(
    ("app", "commands"),
    [
        (groups.avatar_app, ["list", "show", "upload", "wait"]),
        (groups.session_app, ["list", "show", "create", "close", "close-all"]),
        (groups.legacy_app, ["list", "show", "create", "close"]),
        (groups.voice_app, ["list", "clone", "delete"]),
        (groups.knowledge_app, ["list", "show", "create", "update", "delete"]),
    ],
)
def test_each_group_has_its_commands(app: typer.Typer, commands: list[str]) -> None:
    assert [command.name for command in app.registered_commands] == commands


@pytest.mark.parametrize(
    ("text", "number"), [(None, None), ("running", 2), ("RUNNING", 2), ("1", 1), ("failed", 4)]
)
def test_a_status_by_name_or_number(text: str | None, number: int | None) -> None:
    assert groups._status(text) == number


@pytest.mark.parametrize("text", ["", "0", "5", "open"])
def test_another_one_lists_those_there_are(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="isn't one of queueing, running"):
        groups._status(text)


@pytest.mark.parametrize(
    "arguments",
    [
        ["upload", "https://host/x", "--id", "a", "--name", "n", "--url-from", "3"],
        ["upload", "https://host/x", "--name", "n"],
        ["wait", "x", "--timeout", "0"],
        ["list", "--limit", "0"],
    ],
)
def test_wrong_options_are_refused_before_anything_is_called(arguments: list[str]) -> None:
    assert RUN.invoke(groups.avatar_app, arguments).exit_code == 2
