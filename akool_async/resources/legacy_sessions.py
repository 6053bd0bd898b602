"""Sessions of version 3, whose messages go through a chat room (docs/protocol.md §1, §3)."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, Literal

from akool_async.errors import SessionFailedError
from akool_async.models.session import LegacySession, SessionStatus, legacy_create_body
from akool_async.resources.creating import Creation
from akool_async.resources.executor import APIExecutor
from akool_async.resources.polling import Progress, poll
from akool_async.resources.reading import nothing, one_with_id
from akool_async.resources.session_calls import SessionCalls
from akool_async.rest.request import Idempotency, Request, post

__all__ = ["LegacySessions"]

_AT: Final = "/api/open/v3/liveAvatar/session"


class LegacySessions(SessionCalls[LegacySession]):
    """`client.legacy_sessions`."""

    def __init__(self, executor: APIExecutor) -> None:
        super().__init__(executor, _AT, LegacySession)

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

    def _list_request(self, **query: Any) -> Request:
        # A read, though it is a POST.
        return post(f"{_AT}/list", idempotency=Idempotency.SAFE, query=query)

    async def pause(self, session: LegacySession | str) -> None:
        """Stops the stream, after half a second to several; the next chat message resumes it.

        A long silence after it times the session out.

        Raises:
            NotFoundError, SessionClosedError: there is no such open session.
        """
        # Not repeated after a time-out: a chat message in between would have resumed it.
        request = post(
            f"{_AT}/pause", {"id": self._id(session)}, idempotency=Idempotency.UNLESS_DONE
        )
        await self._executor.call(request, nothing)

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
        session_id = self._id(session)

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
