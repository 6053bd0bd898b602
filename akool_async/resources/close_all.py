"""Closing all open sessions that a dead program left, or those of one avatar or age."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias, TypeVar

from akool_async.errors import InvalidParameterError, SessionLeftOpenError
from akool_async.models.session import LegacySession, Session
from akool_async.resources.closing import SessionCloser
from akool_async.resources.open_sessions import left_open
from akool_async.resources.pagination import AsyncPaginator
from akool_async.validation import number, quoted, text

__all__ = ["Age", "Wanted", "close_all", "created_at", "find_open"]

S = TypeVar("S", Session, LegacySession)

#: Seconds, or a timedelta, before now; or a moment: a datetime with a time zone.
Age: TypeAlias = float | timedelta | datetime

#: The ids are MongoDB's object ids: the first eight digits are the second of creation.
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{24}")


@dataclass(slots=True)
class Wanted:
    """Which sessions are meant; all that are open where nothing is given.

    Attributes:
        avatar_id: those of this avatar.
        newer_than, older_than: those created since, or before.
        excluded: ids of sessions that aren't meant.
    """

    avatar_id: str | None = None
    newer_than: Age | None = None
    older_than: Age | None = None
    excluded: Collection[str] = ()

    _since: datetime | None = field(init=False)
    _before: datetime | None = field(init=False)

    def __post_init__(self) -> None:
        if self.avatar_id is not None:
            text("avatar_id", self.avatar_id)
        if isinstance(self.excluded, str) or not isinstance(self.excluded, Collection):
            # Of one text the letters would be taken for ids, and the session be closed.
            raise InvalidParameterError("excluded", "isn't a list of ids, give several or none")
        self.excluded = frozenset(text("excluded", one) for one in self.excluded)
        self._since = _moment("newer_than", self.newer_than)
        self._before = _moment("older_than", self.older_than)

    def meets(self, session: Session | LegacySession) -> bool | None:
        """Whether a session is meant; `None`: the answer doesn't hold what that depends on."""
        if session.id in self.excluded:
            return False
        unknown = False
        if self.avatar_id is not None:
            if session.avatar_id not in (None, self.avatar_id):
                return False
            unknown = session.avatar_id is None
        if self._since is not None or self._before is not None:
            created = created_at(session)
            if created is None:
                return None
            if self._since is not None and created < self._since:
                return False
            if self._before is not None and created > self._before:
                return False
        return None if unknown else True


def created_at(session: Session | LegacySession) -> datetime | None:
    """When a session was created: as answered, else as its id says, `None`: neither does."""
    if session.create_time is not None:
        try:
            return datetime.fromtimestamp(session.create_time / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            pass  # no moment: of another unit than milliseconds, say
    if _OBJECT_ID.fullmatch(session.id):
        moment = datetime.fromtimestamp(int(session.id[:8], 16), UTC)
        # An id of another make gives any moment of 136 years.
        if timedelta(0) <= datetime.now(UTC) - moment < timedelta(days=365):
            return moment
    return None


async def find_open(
    listed: Callable[..., AsyncPaginator[S]], get: Callable[[str], Awaitable[S]], wanted: Wanted
) -> tuple[list[S], list[S]]:
    """The open sessions that are wanted, and those of which the service doesn't answer it."""
    # All first: closing shifts the pages.
    found: dict[str, S] = {}
    statuses: tuple[Literal[1, 2], ...] = (1, 2)
    for status in statuses:
        async for session in listed(status=status):
            if session.id and session.status in (None, 1, 2):
                found[session.id] = session
    meant: list[S] = []
    unclear: list[S] = []
    for session_id, session in found.items():
        meets = wanted.meets(session)
        if meets is None:  # a list may hold less than the detail
            meets = wanted.meets(await get(session_id))
        if meets is None:
            unclear.append(session)
        elif meets:
            meant.append(session)
    return meant, unclear


async def close_all(
    listed: Callable[..., AsyncPaginator[S]],
    get: Callable[[str], Awaitable[S]],
    closer: SessionCloser,
    wanted: Wanted,
) -> tuple[str, ...]:
    """Closes what is open and wanted; see `Sessions.close_all`."""
    sessions, unclear = await find_open(listed, get, wanted)
    meant = [session.id for session in sessions]
    failed = {
        session.id: SessionLeftOpenError(
            f"The session {session.id} was left open: the service doesn't answer its avatar or "
            f"its age. To close it: {closer.command(session.id)}",
            session_ids=(session.id,),
        )
        for session in unclear
    }

    async def close(session_id: str) -> None:
        try:
            await closer.start(session_id).wait()
        except SessionLeftOpenError as error:
            failed[session_id] = error

    async with asyncio.TaskGroup() as group:
        for session_id in meant:
            group.create_task(close(session_id))
    if failed:
        raise left_open(failed)
    return tuple(meant)


def _moment(field: str, value: object) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidParameterError(
                field, "has no time zone; give datetime.now(UTC) - … or seconds"
            )
        return value
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidParameterError(
            field, f"{quoted(value)} isn't a number of seconds, a timedelta or a datetime"
        )
    return datetime.now(UTC) - timedelta(seconds=number(field, value, 0.0, 3.2e9))
