"""`akool transports`: which rooms can be joined on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from akool_async.cli.records import Found, show
from akool_async.cli.terminal import note
from akool_async.errors import AkoolError, MissingDependencyError
from akool_async.errors.base import EVERYTHING
from akool_async.transport import available_transports, load_transport

__all__ = ["State", "check_transports", "show_transports"]

_OURS: Final = ("livekit", "agora", "trtc", "chatroom")


@dataclass(frozen=True, slots=True)
class State:
    """Whether a transport can be used; `problem` says why not and what to do."""

    name: str
    installed: bool
    usable: bool
    problem: str | None = None
    install: str | None = None


def check_transports() -> list[State]:
    """This project's transports, and others that are installed."""
    names = dict.fromkeys((*_OURS, *sorted(available_transports())))
    return [_check(name) for name in names]


def _check(name: str) -> State:
    installed = name in available_transports()
    try:
        load_transport(name).preflight({})
    except MissingDependencyError as error:
        return State(name, installed, usable=False, problem=str(error), install=error.install)
    except AkoolError as error:
        return State(name, installed, usable=False, problem=str(error))
    return State(name, installed, usable=True)


async def show_transports(*, as_json: bool) -> int:
    """A line per transport."""
    items = [
        {
            "transport": state.name,
            "installed": state.installed,
            "usable": state.usable,
            "problem": state.problem,
            "install": state.install,
        }
        for state in check_transports()
    ]
    rows = [
        {
            "transport": item["transport"],
            "installed": "yes" if item["installed"] else "no",
            "usable": "yes" if item["usable"] else "no",
            "what to do": item["install"] or item["problem"],
        }
        for item in items
    ]
    columns = ("transport", "installed", "usable", "what to do")
    show(Found(items, len(items), None), columns, as_json=as_json, title="transports", rows=rows)
    if not as_json and any(item["install"] for item in items):
        note(f"everything at once: {EVERYTHING}")
    return 0
