"""Sessions of version 4 (docs/protocol.md §1)."""

from __future__ import annotations

import asyncio
from functools import partial
from operator import attrgetter
from typing import Final, Literal, Unpack

from akool_async.errors import AkoolError, NotFoundError, SessionClosedError
from akool_async.models.session import Session
from akool_async.models.session_fields import SessionFields
from akool_async.resources.executor import APIExecutor
from akool_async.resources.pagination import AsyncPaginator, PageData
from akool_async.resources.reading import check_page, nothing, one_with_id
from akool_async.rest.pages import MAX_ITEMS
from akool_async.rest.request import Idempotency, get, post
from akool_async.rest.session_create import session_create_body
from akool_async.validation import choice, text

__all__ = ["Sessions"]

_AT: Final = "/api/open/v4/liveAvatar/session"

#: How many sessions `close_all` closes at a time.
_CLOSING: Final = 8


class Sessions:
    """`client.sessions`."""

    def __init__(self, executor: APIExecutor) -> None:
        self._executor = executor

    async def create(self, avatar_id: str, **fields: Unpack[SessionFields]) -> Session:
        """Creates a session. It costs until it is closed or its duration is over.

        Only this answer holds the token of the room, so keep the session: `get` doesn't answer it
        again. A call that may have been paid for is never repeated.

        Args:
            avatar_id: a streaming avatar's.
            **fields: `SessionFields`, every documented field by its name.

        Raises:
            InvalidParameterError: a wrong value, before anything is sent.
            BusyError: all slots are taken, also after the tries that were allowed.
            QuotaError: no credit.
            NotFoundError: no such avatar, knowledge base or voice.
        """
        body = session_create_body(avatar_id, fields)
        request = post(f"{_AT}/create", body, idempotency=Idempotency.UNLESS_DONE)
        # What the answer leaves out is what was asked for.
        asked = {
            "duration": body.get("duration"),
            "stream_type": body.get("stream_type", "agora"),
        }

        def read(data: object) -> Session:
            if isinstance(data, list) and data:
                data = data[0]
            if isinstance(data, dict):
                answered = {name: value for name, value in data.items() if value not in (None, "")}
                data = asked | answered
            session = one_with_id(Session, data)
            if session.credentials is not None and "stream_type" not in answered:
                # The room that there is counts, not the one that was asked for.
                return session.model_copy(update={"stream_type": session.credentials.kind})
            return session

        return await self._executor.call(request, read)

    async def get(self, session_id: str) -> Session:
        """A session as it is now; its credentials are without a token.

        Raises:
            NotFoundError: there is none of that id.
        """
        request = get(f"{_AT}/detail", id=text("session_id", session_id))
        return await self._executor.call(request, partial(one_with_id, Session))

    def list(
        self,
        *,
        page: int = 1,
        size: int = 100,
        status: Literal[1, 2, 3, 4] | None = None,
    ) -> AsyncPaginator[Session]:
        """The sessions of the account.

        Args:
            page: from 1; where iterating begins.
            size: items on a page.
            status: 1 queueing, 2 running, 3 completed, 4 failed, `None` all.

        Raises:
            InvalidParameterError: at once, for a value out of range.
        """
        page, size = check_page(page, size, MAX_ITEMS)
        if status is not None:
            choice("status", int(status), (1, 2, 3, 4))

        async def fetch(number: int) -> PageData[Session]:
            query = {"page": number, "size": size, "status": status and int(status)}
            return await self._executor.page(get(f"{_AT}/list", **query), Session)

        return AsyncPaginator(fetch, key=attrgetter("id"), page=page, size=size)

    async def close(self, session: Session | str) -> None:
        """Ends a session. One that has ended already, or isn't there any more, is fine.

        Args:
            session: it, or its id.

        Raises:
            PermissionDeniedError: somebody else's.
        """
        session_id = session.id if isinstance(session, Session) else session
        body = {"id": text("session_id", session_id)}
        request = post(f"{_AT}/close", body, idempotency=Idempotency.SAFE)
        try:
            await self._executor.call(request, nothing)
        except (NotFoundError, SessionClosedError) as error:
            if error.code not in _CLOSED_ALREADY:
                raise

    async def close_all(self) -> tuple[str, ...]:
        """Closes every session that is queueing or running, whoever opened it.

        For what a program that died has left open (docs/protocol.md §4): each costs until it is
        closed.

        Returns:
            The ids of those that were closed.

        Raises:
            AkoolError: one couldn't be closed: the first error, after all were tried; its notes
                name the others.
        """
        # All first: closing shifts the pages.
        found: dict[str, None] = {}
        for status in (1, 2):
            async for session in self.list(status=status):
                if session.id and session.status in (None, 1, 2):
                    found[session.id] = None
        slots = asyncio.Semaphore(_CLOSING)
        failed: dict[str, AkoolError] = {}

        async def close(session_id: str) -> None:
            async with slots:
                try:
                    await self.close(session_id)
                except AkoolError as error:
                    failed[session_id] = error

        async with asyncio.TaskGroup() as group:
            for session_id in found:
                group.create_task(close(session_id))
        if failed:
            error = next(iter(failed.values()))
            for session_id, reason in failed.items():
                error.add_note(f"session {session_id} is still open: {type(reason).__name__}")
            raise error
        return tuple(found)


#: No such session, and closed: what closing wanted.
_CLOSED_ALREADY: Final = (1216, 1219)
