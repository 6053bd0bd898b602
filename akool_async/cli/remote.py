"""`akool simulator hear`, `fault` and `sessions`: acting on a simulator in another terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from akool_async.cli.options import AsJson
from akool_async.cli.records import Found, show
from akool_async.cli.simulator import DEFAULT_PORT, load_simulator
from akool_async.errors import InvalidParameterError
from akool_async.models.session import SessionStatus

__all__ = ["SessionId", "Where", "fault", "hear", "sessions"]

_COLUMNS = ("_id", "version", "status", "stream_type", "avatar_id", "age")

SessionId = Annotated[
    str | None,
    typer.Option("--session", metavar="ID", help="The newest open one by default."),
]


@dataclass(frozen=True, slots=True)
class Where:
    """Which simulator is meant, and how the answer is printed."""

    port: Annotated[int, typer.Option(min=1, max=65535, help="The running simulator's.")] = (
        DEFAULT_PORT
    )
    as_json: AsJson = False


async def sessions(where: Where) -> int:
    """A line per session."""
    _show(where, await _call(where, "sessions"))
    return 0


async def hear(where: Where, text: str, session: str | None) -> int:
    """A visitor says `text`; prints the session in which it was heard."""
    _show(where, await _call(where, "hear", text=text, session=session))
    return 0


async def fault(where: Where, name: str, options: Sequence[str], session: str | None) -> int:
    """Makes a fault; prints the session in which it was made."""
    given = dict(_option(one) for one in options)
    _show(where, await _call(where, "fault", name=name, options=given, session=session))
    return 0


def _option(text: str) -> tuple[str, Any]:
    """A fault's option; its value is JSON, or else a text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidParameterError("OPTION", f"{text!r} isn't NAME=VALUE, such as seconds=2")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


async def _call(where: Where, name: str, /, **wanted: Any) -> list[dict[str, Any]]:
    load_simulator()
    from akool_async.simulator.remote import call

    return await call(where.port, name, **wanted)


def _show(where: Where, items: list[dict[str, Any]]) -> None:
    statuses = {one.value: one.name.lower() for one in SessionStatus}
    rows = [
        item | {"status": statuses[item["status"]], "age": f"{item['age']:g} s"} for item in items
    ]
    found = Found(items, len(items), None)
    show(found, _COLUMNS, as_json=where.as_json, title="sessions", rows=rows)
