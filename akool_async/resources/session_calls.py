"""What the sessions of both versions have in common: reading, listing and closing them."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from operator import attrgetter
from typing import Any, Generic, Literal, TypeVar

from akool_async.concurrency import Uncancellable
from akool_async.models.session import LegacySession, Session
from akool_async.resources.close_all import Age, Wanted, close_all
from akool_async.resources.closing import SessionCloser
from akool_async.resources.executor import APIExecutor
from akool_async.resources.pagination import AsyncPaginator, PageData
from akool_async.resources.reading import check_page, one_with_id
from akool_async.rest.pages import MAX_ITEMS
from akool_async.rest.request import Request, get
from akool_async.validation import choice, text

__all__ = ["SessionCalls"]

S = TypeVar("S", Session, LegacySession)


class SessionCalls(Generic[S]):
    """The calls of one version.

    Args:
        executor: calls the service.
        at: the path that those of the calls begin with.
        model: what is answered.
    """

    def __init__(self, executor: APIExecutor, at: str, model: type[S]) -> None:
        self._executor = executor
        self._at = at
        self._model: type[S] = model
        self._closer = SessionCloser(
            executor, f"{at}/close", lambda session_id: f"akool sessions close {session_id}"
        )

    async def get(self, session_id: str) -> S:
        """A session as it is now; what joins its room may be missing.

        Raises:
            NotFoundError: there is none of that id.
        """
        request = get(f"{self._at}/detail", id=text("session_id", session_id))
        return await self._executor.call(request, partial(one_with_id, self._model))

    def list(
        self,
        *,
        page: int = 1,
        size: int = 100,
        status: Literal[1, 2, 3, 4] | None = None,
    ) -> AsyncPaginator[S]:
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

        async def fetch(number: int) -> PageData[S]:
            request = self._list_request(page=number, size=size, status=status)
            return await self._executor.page(request, self._model)

        return AsyncPaginator(fetch, key=attrgetter("id"), page=page, size=size)

    def _list_request(self, **query: Any) -> Request:
        return get(f"{self._at}/list", **query)

    async def close(self, session: S | str) -> None:
        """Ends a session. One that has ended already, or isn't there any more, is fine.

        Args:
            session: it, or its id.

        Raises:
            PermissionDeniedError: another account's.
            AkoolError: it couldn't be closed in the tries that the client makes.
        """
        await self._closer.once(self._id(session))

    def closing(self, session: S | str, *, timeout: float | None = None) -> Uncancellable[None]:
        """Begins to close a session for sure; see `SessionCloser.start`."""
        return self._closer.start(self._id(session), timeout=timeout)

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

    def _id(self, session: S | str) -> str:
        return text("session_id", session.id if isinstance(session, self._model) else session)
