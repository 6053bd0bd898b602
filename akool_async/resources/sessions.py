"""Sessions of version 4 (docs/protocol.md §1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Unpack

from akool_async.models.session import Session
from akool_async.models.session_fields import SessionFields
from akool_async.resources.creating import Creation
from akool_async.resources.executor import APIExecutor
from akool_async.resources.reading import one_with_id
from akool_async.resources.session_calls import SessionCalls
from akool_async.rest.request import Idempotency, post
from akool_async.rest.session_create import session_create_body

__all__ = ["Sessions"]

_AT: Final = "/api/open/v4/liveAvatar/session"


class Sessions(SessionCalls[Session]):
    """`client.sessions`."""

    def __init__(self, executor: APIExecutor) -> None:
        super().__init__(executor, _AT, Session)

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
