"""Commands of coroutine functions, run by typer in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from akool_async.cli.commands import command
from akool_async.errors import NotFoundError

Name = Annotated[str, typer.Argument(metavar="NAME")]
Size = Annotated[int, typer.Option("--size", min=1, help="How large.")]
AsJson = Annotated[bool, typer.Option("--json")]


@dataclass(frozen=True, slots=True)
class Group:
    """Options that several commands share."""

    size: Size = 5
    as_json: AsJson = False


def run(function: Any, *arguments: str) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    assert command(app, "do")(function) is function
    return CliRunner().invoke(app, ["do", *arguments])


@pytest.mark.parametrize(("arguments", "size"), [((), 5), (("--size", "7"), 7)])
def test_the_fields_of_a_dataclass_are_options(arguments: tuple[str, ...], size: int) -> None:
    seen: list[Any] = []

    async def do(name: Name, group: Group) -> int:
        seen.append((name, group))
        return 0

    assert run(do, "a name", *arguments).exit_code == 0
    assert seen == [("a name", Group(size=size))]


def test_what_it_returns_is_the_exit_status() -> None:
    async def do(group: Group) -> int:
        return 7

    assert run(do).exit_code == 7


def test_its_docstring_is_the_help() -> None:
    async def do(group: Group) -> int:
        """Does something with sizes."""
        return 0

    shown = run(do, "--help").output
    assert "Does something with sizes." in shown
    assert "How large." in shown
    assert "group" not in shown


def test_values_are_checked_by_typer() -> None:
    async def do(group: Group) -> int:
        raise AssertionError("called")

    assert run(do, "--size", "0").exit_code == 2


@pytest.mark.parametrize(("arguments", "start"), [((), "akool: "), (("--json",), "{")])
def test_errors_are_written_as_asked_for(
    arguments: tuple[str, ...], start: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async def do(group: Group) -> int:
        raise NotFoundError(1216, "gone")

    result = run(do, *arguments)
    assert result.exit_code == 4
    written = result.stderr + capfd.readouterr().err
    assert written.startswith(start)
    assert "1216" in written
