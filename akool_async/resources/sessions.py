"""Sessions of version 4 (docs/protocol.md §1)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from operator import attrgetter
from typing import Any, Final, Literal, Unpack

from akool_async.concurrency import Uncancellable
from akool_async.models.session import Session
from akool_async.models.session_fields import SessionFields
from akool_async.resources.close_all import Age, Wanted, close_all
from akool_async.resources.closing import SessionCloser
from akool_async.resources.creating import Creation
from akool_async.resources.executor import APIExecutor
from akool_async.resources.pagination import AsyncPaginator, PageData
from akool_async.resources.reading import check_page, one_with_id
from akool_async.rest.pages import MAX_ITEMS
from akool_async.rest.request import Idempotency, get, post
from akool_async.rest.session_create import session_create_body
from akool_async.validation import choice, text

__all__ = ["Sessions"]

_AT: Final = "/api/open/v4/liveAvatar/session"


class Sessions:
    """`client.sessions`."""

    def __init__(self, executor: APIExecutor) -> None:
        self._executor = executor
        self._closer = SessionCloser(
            executor, f"{_AT}/close", lambda session_id: f"akool sessions close {session_id}"
        )

    async def create(self, avatar_id: str, **fields: Unpack[SessionFields]) -> Session:
        """Creates a session. It costs until it is closed or its duration is over.

        Only this answer holds the token of the room: keep the session, `get` doesn't answer it
        again. A call that may have been paid for is never repeated. Cancelled, or without an answer
        in time, this goes on listening for a minute in the background, and closes what is created.

        Args:
            avatar_id: a streaming avatar's.
            **fields: `SessionFields`, every documented field by its name.

        Raises:
            InvalidParameterError: a wrong value, before anything is sent.
            BusyError: all slots are taken, also after the tries that were allowed.
            QuotaError: no credit.
            NotFoundError: no such avatar, knowledge base or voice.
            RequestError: no usable answer; says so where a session may be open all the same.
        """
        return await self.creation(avatar_id, fields).session()

    def creation(
        self,
        avatar_id: str,
        fields: Mapping[str, Any],
        *,
        seen: Callable[[object], object] | None = None,
    ) -> Creation[Session]:
        """The call of `create`, checked but not sent.

        `seen` is given the answer's data as it came, secrets included.
        """
        body = session_create_body(avatar_id, fields)
        # What the answer leaves out is what was asked for.
        asked = {
            "duration": body.get("duration"),
            "stream_type": body.get("stream_type", "agora"),
        }

        def read(data: object) -> Session:
            if seen is not None:
                seen(data)
            if isinstance(data, list) and data:
                data = data[0]
            answered: dict[str, Any] = {}
            if isinstance(data, dict):
                answered = {name: value for name, value in data.items() if value not in (None, "")}
                data = asked | answered
            session = one_with_id(Session, data)
            if session.credentials is not None and "stream_type" not in answered:
                # The room that there is counts, not the one that was asked for.
                return session.model_copy(update={"stream_type": session.credentials.kind})
            return session

        return Creation(
            self._executor,
            post(f"{_AT}/create", body, idempotency=Idempotency.UNLESS_DONE),
            read,
            closer=self._closer,
            avatar_id=avatar_id,
            find=f"client.sessions.close_all(avatar_id={avatar_id!r}, newer_than=300), or "
            "`akool sessions list`",
        )

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
            status = choice("status", status, (1, 2, 3, 4))

        async def fetch(number: int) -> PageData[Session]:
            query = {"page": number, "size": size, "status": status}
            return await self._executor.page(get(f"{_AT}/list", **query), Session)

        return AsyncPaginator(fetch, key=attrgetter("id"), page=page, size=size)

    async def close(self, session: Session | str) -> None:
        """Ends a session. One that has ended already, or isn't there any more, is fine.

        Args:
            session: it, or its id.

        Raises:
            PermissionDeniedError: another account's.
            AkoolError: it couldn't be closed in the tries that the client makes.
        """
        await self._closer.once(_id(session))

    def closing(
        self, session: Session | str, *, timeout: float | None = None
    ) -> Uncancellable[None]:
        """Begins to close a session for sure; see `SessionCloser.start`."""
        return self._closer.start(_id(session), timeout=timeout)

    async def close_all(
        self,
        *,
        avatar_id: str | None = None,
        newer_than: Age | None = None,
        older_than: Age | None = None,
        excluded: Collection[str] = (),
    ) -> tuple[str, ...]:
        """Closes the sessions that are queueing or running, whoever opened them.

        For what a program that died has left open: each costs until it is closed. Each is tried for
        the client's `session_close_timeout`.

        Args:
            avatar_id: only those of this avatar.
            newer_than: only those created since: an age (seconds or a timedelta), or an aware
                datetime.
            older_than: only those created before.
            excluded: ids of sessions that stay open.

        Returns:
            The ids of those that were closed.

        Raises:
            InvalidParameterError: a wrong value, before anything is sent.
            SessionLeftOpenError: some couldn't be closed, or the service doesn't answer whether
                they are meant; `session_ids` are theirs. All others are closed.
        """
        wanted = Wanted(avatar_id, newer_than, older_than, excluded)
        return await close_all(self.list, self.get, self._closer, wanted)


def _id(session: Session | str) -> str:
    return text("session_id", session.id if isinstance(session, Session) else session)
