"""Sessions of version 3, whose messages go through a websocket chat room.

See docs/protocol.md §1, §3.
"""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import Final, Literal

from akool_async.errors import NotFoundError, SessionClosedError, SessionFailedError
from akool_async.models.session import LegacySession, SessionStatus, legacy_create_body
from akool_async.resources.executor import APIExecutor
from akool_async.resources.pagination import AsyncPaginator, PageData
from akool_async.resources.polling import Progress, poll
from akool_async.resources.reading import check_page, nothing, one_with_id
from akool_async.rest.pages import MAX_ITEMS
from akool_async.rest.request import Idempotency, get, post
from akool_async.validation import choice, text

__all__ = ["LegacySessions"]

_AT: Final = "/api/open/v3/liveAvatar/session"
_CLOSED_ALREADY: Final = (1216, 1219)


class LegacySessions:
    """`client.legacy_sessions`."""

    def __init__(self, executor: APIExecutor) -> None:
        self._executor = executor

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
            BusyError, QuotaError, NotFoundError: as the service says.
        """
        body = legacy_create_body(avatar_id, stream_type=stream_type, background_url=background_url)
        request = post(f"{_AT}/create", body, idempotency=Idempotency.UNLESS_DONE)
        return await self._executor.call(request, partial(one_with_id, LegacySession))

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
            choice("status", int(status), (1, 2, 3, 4))

        async def fetch(number: int) -> PageData[LegacySession]:
            query = {"page": number, "size": size, "status": status and int(status)}
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
            PermissionDeniedError: somebody else's.
        """
        request = post(f"{_AT}/close", {"id": _id(session)}, idempotency=Idempotency.SAFE)
        try:
            await self._executor.call(request, nothing)
        except (NotFoundError, SessionClosedError) as error:
            if error.code not in _CLOSED_ALREADY:
                raise

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
