"""What creating, readying and ending a session is, in either version of the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

from akool_async.concurrency import Uncancellable
from akool_async.errors import InvalidParameterError
from akool_async.models.session import LegacySession, Session
from akool_async.models.session_fields import SessionFields
from akool_async.resources.creating import Creation
from akool_async.resources.executor import APIExecutor
from akool_async.resources.legacy_sessions import LegacySessions
from akool_async.resources.polling import Progress
from akool_async.resources.sessions import Sessions
from akool_async.rooms.room import PreparedRoom
from akool_async.validation import choice, number, text, url

__all__ = ["SessionPlan", "Version3", "Version4"]

S = TypeVar("S", Session, LegacySession)

#: Fields of session/create that version 3 doesn't know.
_VERSION_4_ONLY: Final = (
    "duration", "knowledge_id", "scene_mode", "e2e_type", "voice_params", "extra",
)  # fmt: skip


class SessionPlan(Generic[S]):
    """What creating, readying and ending a session is, in either version of the API."""

    kind: str
    sessions: Sessions | LegacySessions

    def creation(self, own: PreparedRoom | None) -> Creation[S]:
        """The call that creates it; every value is checked."""
        raise NotImplementedError

    async def ready(self, session: S) -> S:
        """Waits until it can be joined."""
        return session

    def closing(self, session: S, timeout: float | None = None) -> Uncancellable[None]:
        """Begins to close it."""
        return self.sessions.closing(session.id, timeout=timeout)

    def pause(self, session: S) -> Callable[[], Awaitable[None]] | None:
        """What pauses it, where it can be paused."""
        del session
        return None


class Version4(SessionPlan[Session]):
    """Sessions of version 4."""

    def __init__(
        self, executor: APIExecutor, avatar_id: str, stream_type: str, fields: SessionFields
    ) -> None:
        self.kind = stream_type
        self.sessions = self._sessions = Sessions(executor)
        self._avatar_id = avatar_id
        self._fields = {**fields, "stream_type": stream_type}

    def creation(self, own: PreparedRoom | None) -> Creation[Session]:
        credentials = None if own is None else own.avatar_credentials
        return self._sessions.creation(
            self._avatar_id, {**self._fields, "credentials": credentials}
        )


class Version3(SessionPlan[LegacySession]):
    """Sessions of version 3, whose room is the chat room."""

    kind = "chatroom"

    def __init__(
        self,
        executor: APIExecutor,
        avatar_id: str,
        stream_type: str,
        fields: SessionFields,
        on_progress: Progress[LegacySession] | None,
        timeout: float,
    ) -> None:
        self.sessions = self._sessions = LegacySessions(executor)
        self._open_sessions = executor.open_sessions
        self._avatar_id = avatar_id
        # "livekit" is the default of a parameter that means something else in version 3.
        self._video: Any = None if stream_type == "livekit" else stream_type
        self._fields = fields
        self._on_progress = on_progress
        self._timeout = timeout

    def creation(self, own: PreparedRoom | None) -> Creation[LegacySession]:
        del own
        fields = self._fields
        for name in _VERSION_4_ONLY:
            if fields.get(name) is not None:
                raise InvalidParameterError(name, "isn't known to version 3 sessions")
        if fields.get("mode") is not None:
            choice("mode", fields.get("mode"), (1, 2))
        if fields.get("language") is not None:
            text("language", fields.get("language"))
        if fields.get("voice_id") is not None:
            text("voice_id", fields.get("voice_id"))
        if fields.get("voice_url") is not None:
            url("voice_url", fields.get("voice_url"))
        number("running_timeout", self._timeout, 0.001, 86_400.0)
        if self._on_progress is not None and not callable(self._on_progress):
            raise InvalidParameterError("on_progress", "can't be called")
        return self._sessions.creation(
            self._avatar_id, stream_type=self._video, background_url=fields.get("background_url")
        )

    async def ready(self, session: LegacySession) -> LegacySession:
        def seen(found: LegacySession) -> Any:
            self._open_sessions.check()  # ends the waiting when the client is closed
            return None if self._on_progress is None else self._on_progress(found)

        return await self._sessions.wait_until_running(
            session, timeout=self._timeout, on_progress=seen
        )

    def pause(self, session: LegacySession) -> Callable[[], Awaitable[None]]:
        return lambda: self._sessions.pause(session)
