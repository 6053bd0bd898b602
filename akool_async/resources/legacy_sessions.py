"""Sessions of version 3, whose messages go through a chat room (docs/protocol.md §1, §3)."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from operator import attrgetter
from typing import Final, Literal

from akool_async.concurrency import Uncancellable
from akool_async.errors import SessionFailedError
from akool_async.models.session import LegacySession, SessionStatus, legacy_create_body
from akool_async.resources.close_all import Age, Wanted, close_all
from akool_async.resources.closing import SessionCloser
from akool_async.resources.creating import Creation
from akool_async.resources.executor import APIExecutor
from akool_async.resources.pagination import AsyncPaginator, PageData
from akool_async.resources.polling import Progress, poll
from akool_async.resources.reading import check_page, nothing, one_with_id
from akool_async.rest.pages import MAX_ITEMS
from akool_async.rest.request import Idempotency, get, post
from akool_async.validation import choice, text

__all__ = ["LegacySessions"]

_AT: Final = "/api/open/v3/liveAvatar/session"


class LegacySessions:
    """`client.legacy_sessions`."""

    def __init__(self, executor: APIExecutor) -> None:
        self._executor = executor
        self._closer = SessionCloser(
            executor,
            f"{_AT}/close",
            lambda session_id: f"akool sessions close {session_id}",
        )

    async def create(
        self,
        avatar_id: str,
        *,
        stream_type: Literal["flv", "agora"] | None = None,
        background_url: str | None = None,
    ) -> LegacySession:
        """Creates a session. It takes chat once `wait_until_running` returned.

        Args:
            avatar_id: one of `LEGACY_AVATARS`, or one's own.
            stream_type: of the video, "flv" (the service's default) or "agora".
            background_url: an image or a video.

        Raises:
            InvalidParameterError: a wrong value, before anything is sent.
            BusyError, QuotaError, NotFoundError: as the service answers.
            RequestError: no usable answer; says so where a session may be open all the same.
        """
        return await self.creation(
            avatar_id, stream_type=stream_type, background_url=background_url
        ).session()

    def creation(
        self,
        avatar_id: str,
        *,
        stream_type: Literal["flv", "agora"] | None,
        background_url: str | None,
    ) -> Creation[LegacySession]:
        """The call of `create`, checked but not sent."""
        body = legacy_create_body(avatar_id, stream_type=stream_type, background_url=background_url)
        return Creation(
            self._executor,
            post(f"{_AT}/create", body, idempotency=Idempotency.UNLESS_DONE),
            partial(one_with_id, LegacySession),
            closer=self._closer,
            avatar_id=avatar_id,
            find=f"client.legacy_sessions.close_all(avatar_id={avatar_id!r}, newer_than=300)",
        )

    async def get(self, session_id: str) -> LegacySession:
        """A session as it is now; `stream_urls` may hold the video's URL only.

        Raises:
            NotFoundError: there is none of that id.
        """
        request = get(f"{_AT}/detail", id=text("session_id", session_id))
        return await self._executor.call(request, partial(one_with_id, LegacySession))

    def list(
        self,
        *,
        page: int = 1,
        size: int = 100,
        status: Literal[1, 2, 3, 4] | None = None,
    ) -> AsyncPaginator[LegacySession]:
        """The account's sessions of version 3; arguments and errors as `sessions.list`."""
        page, size = check_page(page, size, MAX_ITEMS)
        if status is not None:
            status = choice("status", status, (1, 2, 3, 4))

        async def fetch(number: int) -> PageData[LegacySession]:
            query = {"page": number, "size": size, "status": status}
            # A read, though it is a POST.
            request = post(f"{_AT}/list", idempotency=Idempotency.SAFE, query=query)
            return await self._executor.page(request, LegacySession)

        return AsyncPaginator(fetch, key=attrgetter("id"), page=page, size=size)

    async def pause(self, session: LegacySession | str) -> None:
        """Stops the stream, after half a second to several; the next chat message resumes it.

        A long silence after it times the session out.

        Raises:
            NotFoundError, SessionClosedError: there is no such open session.
        """
        # Not repeated after a time-out: a chat message in between would have resumed it.
        request = post(f"{_AT}/pause", {"id": _id(session)}, idempotency=Idempotency.UNLESS_DONE)
        await self._executor.call(request, nothing)

    async def close(self, session: LegacySession | str) -> None:
        """Ends a session; one that has ended already is fine.

        Raises:
            PermissionDeniedError: another account's.
            AkoolError: it couldn't be closed in the tries that the client makes.
        """
        await self._closer.once(_id(session))

    def closing(
        self, session: LegacySession | str, *, timeout: float | None = None
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
        """Closes the sessions that are queueing or running; arguments and errors as
        `sessions.close_all`.
        """
        wanted = Wanted(avatar_id, newer_than, older_than, excluded)
        return await close_all(self.list, self.get, self._closer, wanted)

    async def wait_until_running(
        self,
        session: LegacySession | str,
        *,
        timeout: float = 60.0,
        interval: float = 0.5,
        on_progress: Progress[LegacySession] | None = None,
    ) -> LegacySession:
        """Waits until a session takes chat (status 2).

        Args:
            session: it, or its id.
            timeout: seconds to wait in all.
            interval: seconds between the first two questions; later pauses grow up to ten times.
            on_progress: called with every answer; plain or async.

        Raises:
            SessionFailedError: it failed, or ended before it ran.
            WaitTimeoutError: not running in time.
        """
        session_id = _id(session)

        def done(found: LegacySession) -> bool:
            if found.status in (SessionStatus.COMPLETED, SessionStatus.FAILED):
                what = SessionStatus(found.status)
                raise SessionFailedError(
                    f"The session {session_id} is {what.name.lower()} before it was running",
                    session_id=session_id,
                    status=int(what),
                )
            return found.status == SessionStatus.RUNNING

        return await poll(
            f"session {session_id}",
            partial(self.get, session_id),
            done=done,
            status=lambda found: found.status,
            timeout=timeout,
            interval=interval,
            on_progress=on_progress,
        )


def _id(session: LegacySession | str) -> str:
    return text("session_id", session.id if isinstance(session, LegacySession) else session)
