"""`akool sessions` and `akool legacy-sessions`: see what is open, and close what was left open."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

import typer

from akool_async.cli.failures import FAILED, report
from akool_async.cli.lines import Lines, typed
from akool_async.cli.options import ChatOptions, Page, Service
from akool_async.cli.records import Found, one_page, plain, show, show_json, show_one
from akool_async.cli.terminal import note, printer
from akool_async.client import AkoolClient
from akool_async.concurrency import Uncancellable
from akool_async.errors import (
    AkoolError,
    AuthenticationError,
    BadParameterError,
    ConfigurationError,
    InvalidParameterError,
    NotFoundError,
)
from akool_async.models.session import LEGACY_AVATARS, LegacySession, Session, SessionStatus
from akool_async.resources.close_all import Wanted, created_at, find_open
from akool_async.resources.legacy_sessions import LegacySessions
from akool_async.resources.sessions import Sessions

__all__ = [
    "STATUSES",
    "Filters",
    "close",
    "close_all",
    "create",
    "create_legacy",
    "show_session",
    "show_sessions",
]

AnySession: TypeAlias = Session | LegacySession
Resource: TypeAlias = Sessions | LegacySessions
Status: TypeAlias = Literal[1, 2, 3, 4]

#: What `--status` takes.
STATUSES: Final[dict[str, Status]] = {
    "queueing": 1,
    "running": 2,
    "completed": 3,
    "failed": 4,
}
_COLUMNS: Final = ("_id", "version", "status", "stream_type", "avatar_id", "age", "duration")
#: Seconds that closing may take without a word.
_SILENT: Final = 3.0
_CLOSING_LOG: Final = logging.getLogger("akool_async.resources.closing")
_AGE: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")
_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which open sessions `close-all` means, as its options say: ages as "90", "10m" or "2h"."""

    avatar: Annotated[
        str | None, typer.Option("--avatar", help="Only sessions of this avatar.")
    ] = None
    newer_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only younger ones: 90, 10m, 2h, 1d.")
    ] = None
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only older ones: 90, 10m, 2h, 1d.")
    ] = None

    def wanted(self) -> Wanted:
        """The same for the library.

        Raises:
            InvalidParameterError: a value that can't be read.
        """
        return Wanted(
            avatar_id=self.avatar,
            newer_than=_age("--newer-than", self.newer_than),
            older_than=_age("--older-than", self.older_than),
        )


def _age(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidParameterError(
            option, f"{text!r} isn't an age: seconds, or a number and s, m, h or d, such as 10m"
        )
    return float(found[1]) * _UNITS[found[2]]


def _of(akool: AkoolClient, version: int) -> Resource:
    return akool.legacy_sessions if version == 3 else akool.sessions


def _version(session: AnySession) -> str:
    return "v3" if isinstance(session, LegacySession) else "v4"


def _row(session: AnySession, price: float | None = None) -> dict[str, Any]:
    """What a table shows of a session; `price` is what a minute costs, in credits."""
    created = created_at(session)
    status = session.status
    age = None if created is None else (datetime.now(UTC) - created).total_seconds()
    cost = None
    if price is not None and age is not None and session.open:
        # Of one that has ended the service doesn't say how long it was.
        lasted = age if session.duration is None else min(age, session.duration)
        cost = f"{max(0.0, lasted) / 60 * price:.2f}"
    names = {one.value: one.name.lower() for one in SessionStatus}
    return {
        "_id": session.id,
        "version": _version(session),
        "status": names.get(status, status) if status is not None else None,
        "stream_type": session.stream_type,
        "avatar_id": session.avatar_id,
        "age": None if age is None else _span(age),
        "duration": None if session.duration is None else f"{session.duration:g} s",
        "cost": cost,
    }


def _span(seconds: float) -> str:
    whole = max(0, int(seconds))
    for size, unit, smaller in ((86_400, "d", "h"), (3600, "h", "m"), (60, "m", "s")):
        if whole >= size:
            rest = whole % size // {"h": 3600, "m": 60, "s": 1}[smaller]
            return f"{whole // size}{unit}" + (f" {rest}{smaller}" if rest else "")
    return f"{whole}s"


async def show_sessions(
    service: Service,
    part: Page,
    *,
    version: int,
    status: Status | None,
    price: float | None = None,
) -> int:
    """A line per session. Tokens aren't in what list answers, and are never printed.

    With a price (credits per minute) the table has what open sessions have cost so far.
    """
    async with service.client() as akool:
        resource = _of(akool, version)
        found: Found[Any] = await one_page(
            lambda number, size: resource.list(page=number, size=size, status=status),
            part,
        )
    records = Found([plain(one) for one in found.items], found.count, found.next_page)
    rows = [_row(one, price) for one in found.items]
    columns = _COLUMNS if price is None else (*_COLUMNS, "cost")
    show(records, columns, as_json=service.as_json, title="sessions", rows=rows)
    return 0


async def show_session(service: Service, session_id: str, *, version: int | None = None) -> int:
    """One session of either version, or of one."""
    async with service.client() as akool:
        if version is None:
            _, session = await _find(akool, session_id)
        else:
            session = await _of(akool, version).get(session_id)
    row = _row(session)
    show_one(
        plain(session) if service.as_json else row | plain(session) | row, as_json=service.as_json
    )
    return 0


async def create_legacy(service: Service, avatar_id: str | None, background: str | None) -> int:
    """Creates a session of version 3 and leaves it open; prints its id, or all of it as JSON."""
    async with service.client() as akool:
        session = await akool.legacy_sessions.create(
            avatar_id or LEGACY_AVATARS[0], background_url=background
        )
    if service.as_json:
        show_json([session.to_dict(include_secrets=True)])
    else:
        printer().line(session.id)
    note(f"it costs credits until it ends; to close it: akool legacy-sessions close {session.id}")
    return 0


async def create(wanted: ChatOptions, *, as_json: bool) -> int:
    """Creates a session and leaves it open; prints its id, or all of it as JSON."""
    fields = wanted.fields(mode=2)
    if fields.pop("legacy", False):
        raise InvalidParameterError("--transport", "is livekit, agora or trtc for a new session")
    async with wanted.client() as akool:
        session = await akool.sessions.create(**fields)
    if as_json:
        # Only this answer holds the room's token, which is what a program creates it for.
        show_json([session.to_dict(include_secrets=True)])
    else:
        printer().line(session.id)
    note(f"it costs credits until it ends; to close it: akool sessions close {session.id}")
    return 0


async def _find(akool: AkoolClient, session_id: str) -> tuple[Resource, AnySession]:
    """A session of either version by its id.

    Raises:
        NotFoundError: there is none.
        AkoolError: it couldn't be found out.
    """
    resources: tuple[Resource, ...] = (akool.sessions, akool.legacy_sessions)
    missing: AkoolError | None = None
    for resource in resources:
        try:
            return resource, await resource.get(session_id)
        except (NotFoundError, BadParameterError) as error:  # the latter: not an id of this version
            missing = missing if isinstance(missing, NotFoundError) else error
    assert missing is not None
    raise missing


async def _close(akool: AkoolClient, session_id: str) -> dict[str, Any]:
    """Closes a session of either version; what the command shows of it as JSON.

    Raises:
        NotFoundError: there is none.
        AkoolError: it couldn't be closed.
    """
    try:
        resource, session = await _find(akool, session_id)
    except (NotFoundError, BadParameterError, AuthenticationError):
        raise
    except AkoolError:
        # It costs credits while it is open, so closing it doesn't depend on looking it up.
        return await _close_unseen(akool, session_id)
    was_open = session.status not in (SessionStatus.COMPLETED, SessionStatus.FAILED)
    if was_open:
        await _waited_for(resource.closing(session_id), session_id)
    return {"_id": session_id, "version": _version(session), "was_open": was_open}


async def _close_unseen(akool: AkoolClient, session_id: str) -> dict[str, Any]:
    try:
        await _waited_for(akool.sessions.closing(session_id), session_id)
    except (NotFoundError, BadParameterError):  # perhaps of the other version
        await _waited_for(akool.legacy_sessions.closing(session_id), session_id)
        return {"_id": session_id, "version": "v3", "was_open": None}
    return {"_id": session_id, "version": "v4", "was_open": None}


async def _waited_for(closing: Uncancellable[None], session_id: str) -> None:
    """Waits until a session is closed; says so where the service takes its time. What fails is
    reported by the command alone.
    """
    loop = asyncio.get_running_loop()
    notice = loop.call_later(_SILENT, note, f"{session_id} isn't closed yet; still trying")
    _CLOSING_LOG.addFilter(_not_an_error)
    try:
        await closing.wait()
    finally:
        _CLOSING_LOG.removeFilter(_not_an_error)
        notice.cancel()


def _not_an_error(record: logging.LogRecord) -> bool:
    """A filter of log records."""
    return record.levelno < logging.ERROR


async def close(service: Service, ids: Sequence[str]) -> int:
    """Closes sessions of either version; goes on after one that fails."""
    as_json = service.as_json
    closed: list[dict[str, Any]] = []
    statuses: set[int] = set()
    out = printer()
    async with service.client() as akool:
        for session_id in dict.fromkeys(ids):
            try:
                one = await _close(akool, session_id)
            except AkoolError as error:
                statuses.add(report(error, as_json=as_json, about=session_id))
                continue
            closed.append(one)
            if not as_json:
                ended = one["was_open"] is False
                out.line(f"{session_id} had ended already" if ended else f"{session_id} closed")
    if as_json:
        show_json(closed)
    return _one_status(statuses)


async def close_all(service: Service, filters: Filters, *, yes: bool) -> int:
    """Shows the open sessions of both versions that are meant, asks, and closes them."""
    as_json = service.as_json
    wanted = filters.wanted()
    if not yes and (as_json or sys.stdin is None or not sys.stdin.isatty()):
        raise ConfigurationError(
            "close-all asks before it closes, and there is no terminal to ask in. "
            "Give --yes to close without a question."
        )
    statuses: set[int] = set()
    meant: list[tuple[Resource, AnySession]] = []
    async with service.client() as akool:
        for version in (4, 3):
            try:
                found, unclear = await _find_open(_of(akool, version), wanted)
            except AkoolError as error:
                statuses.add(report(error, as_json=as_json, about=f"version {version} sessions"))
                continue
            meant += [(_of(akool, version), session) for session in found]
            for session in unclear:
                problem = AkoolError(
                    "left open: the service doesn't answer its avatar or its age. To close it: "
                    f"akool sessions close {session.id}"
                )
                statuses.add(report(problem, as_json=as_json, about=session.id))
        if not yes and meant and not await _confirmed([session for _, session in meant]):
            note("nothing was closed")
            return FAILED
        closed = await _close_each(meant, statuses, as_json=as_json)
    if as_json:
        show_json(closed)
    else:
        printer().line(f"{len(closed)} sessions closed")
    return _one_status(statuses)


async def _find_open(
    resource: Resource, wanted: Wanted
) -> tuple[Sequence[AnySession], Sequence[AnySession]]:
    if isinstance(resource, Sessions):
        return await find_open(resource.list, resource.get, wanted)
    return await find_open(resource.list, resource.get, wanted)


async def _confirmed(sessions: Sequence[AnySession]) -> bool:
    rows = [_row(session) for session in sessions]
    show(Found(rows, len(rows), None), _COLUMNS, as_json=False, title="open sessions")
    printer().piece(f"Close these {len(rows)} sessions, whoever opened them? [y/N] ")
    with Lines() as lines:
        answer = typed(await anext(lines, ""))
    return answer.strip().lower() in ("y", "yes")


async def _close_each(
    meant: Sequence[tuple[Resource, AnySession]], statuses: set[int], *, as_json: bool
) -> list[dict[str, Any]]:
    out = printer()
    closed: list[dict[str, Any]] = []
    closings = [(session, resource.closing(session.id)) for resource, session in meant]
    for session, closing in closings:
        try:
            await _waited_for(closing, session.id)
        except AkoolError as error:
            statuses.add(report(error, as_json=as_json, about=session.id))
            continue
        closed.append({"_id": session.id, "version": _version(session), "was_open": True})
        if not as_json:
            out.line(f"{session.id} closed")
    return closed


def _one_status(statuses: set[int]) -> int:
    """The exit status of several outcomes: the one that all failures share, else 1."""
    if len(statuses) > 1:
        return FAILED
    return statuses.pop() if statuses else 0
