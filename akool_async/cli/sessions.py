"""`akool sessions`: see what is open, and close what a program left behind."""

from __future__ import annotations

from typing import Literal

from akool_async.cli.catalogue import first, plain
from akool_async.cli.terminal import fail, printer, show
from akool_async.client import AkoolClient
from akool_async.errors import AkoolError
from akool_async.models.session import SessionStatus

Status = Literal[1, 2, 3, 4]

__all__ = ["close", "close_all", "show_sessions"]


def _status(number: int | None) -> str | int | None:
    known = {status.value: status.name.lower() for status in SessionStatus}
    return known.get(number, number) if number is not None else None


async def show_sessions(
    url: str | None, *, status: Status | None, limit: int, as_json: bool
) -> int:
    """A line per session; tokens aren't among what list answers, and are never printed."""
    async with AkoolClient(base_url=url) as akool:
        found = await first(akool.sessions.list(status=status), limit)
    rows = [plain(session) for session in found]
    if not as_json:
        rows = [row | {"status": _status(row.get("status"))} for row in rows]
    show(rows, ("_id", "status", "stream_type", "avatar_id"), as_json=as_json, title="sessions")
    return 0


async def close(url: str | None, ids: list[str]) -> int:
    """Closes each; goes on after one that fails, and then ends with status 1."""
    out = printer()
    status = 0
    async with AkoolClient(base_url=url) as akool:
        for session_id in ids:
            try:
                await akool.sessions.close(session_id)
            except AkoolError as error:
                fail(f"{session_id}: {error}")
                status = 1
            else:
                out.line(f"{session_id} closed")
    return status


async def close_all(url: str | None) -> int:
    """Closes what is queueing or running."""
    out = printer()
    async with AkoolClient(base_url=url) as akool:
        closed = await akool.sessions.close_all()
    for session_id in closed:
        out.line(f"{session_id} closed")
    out.line(f"{len(closed)} sessions closed")
    return 0
