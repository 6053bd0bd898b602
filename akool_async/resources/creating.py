"""Creating paid sessions: none is forgotten, whatever becomes of the caller."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from akool_async.concurrency import Uncancellable
from akool_async.errors import (
    AkoolError,
    APIError,
    APITimeoutError,
    RequestError,
)
from akool_async.models.session import LegacySession, Session
from akool_async.resources.closing import SessionCloser
from akool_async.resources.executor import APIExecutor
from akool_async.rest.envelope import RawResponse, read_envelope
from akool_async.rest.request import Request
from akool_async.rest.tolerant_json import decode_json

__all__ = ["Creation"]

logger = logging.getLogger(__name__)

S = TypeVar("S", Session, LegacySession)

#: Seconds beyond the client's time limit for which the answer to a request already sent is awaited.
LISTEN: Final = 60.0
#: A cancelled executor waits at most this many seconds until the session is closed; closing then
#: goes on in the background.
CANCELLED_WAIT: Final = 10.0


class Creation(Generic[S]):
    """One call of session/create.

    Only the request under way can't be cancelled; waiting for its turn can. If its executor no
    longer waits when the answer comes, the session is closed.

    Args:
        executor: calls the service.
        request: the call.
        read: makes a session of the answer's data; raises `ValueError` where it can't.
        closer: closes the session if need be.
        avatar_id: the avatar's.
        find: how a person finds and closes a session whose id isn't known.
    """

    def __init__(
        self,
        executor: APIExecutor,
        request: Request,
        read: Callable[[object], S],
        *,
        closer: SessionCloser,
        avatar_id: str,
        find: str,
    ) -> None:
        self.avatar_id = avatar_id
        self._executor = executor
        self._request = request
        self._read: Callable[[object], S] = read
        self._closer = closer
        self._find = find
        #: When the last try was sent, in seconds of the event loop's clock.
        self.began = 0.0

    async def session(self) -> S:
        """The new session.

        Raises:
            APIError, RequestError: none was created; or one may have been, then the error says so.
            ConfigurationError: the client was closed meanwhile; the session is closed again.
            CancelledError: the executor was cancelled; what was created is closed.
        """
        sessions = self._executor.open_sessions
        with sessions.opening():
            try:
                session: S = await self._executor.call(self._request, self._read, send=self._send)
            except (RequestError, APIError) as error:
                if error.may_have_acted:
                    error.args = (f"{error}; {self._unknown(error)}",)
                raise
            if sessions.closing:
                await self._closer.start(session.id).wait()
                sessions.check()
            return session

    async def _send(self, request: Request, header: tuple[str, str] | None) -> RawResponse:
        executor, pool = self._executor, self._executor.pool
        async with executor.open_sessions.waiting():
            limit = await pool.take_slot(request, executor.timeout)
        if executor.open_sessions.closing:
            pool.free_slot()
            executor.open_sessions.check()
        self.began = asyncio.get_running_loop().time()
        answer = executor.open_sessions.start(
            pool.send(request, header, timeout=limit, urgent=True, listen=LISTEN),
            timeout=limit + LISTEN + 1.0,
            name="akool: creating a session",
        )
        answer.add_done_callback(lambda _: pool.free_slot())
        try:
            if await answer.within(limit):
                return await answer.wait()
        except asyncio.CancelledError as error:
            await self._close_late(answer).settle(error, at_most=CANCELLED_WAIT)
            raise
        self._close_late(answer)
        raise APITimeoutError(f"no answer within {limit:g} s", request=request.info)

    def _close_late(self, answer: Uncancellable[RawResponse]) -> Uncancellable[None]:
        return self._executor.open_sessions.start(
            self._close_answered(answer), timeout=None, name="akool: closing a session created late"
        )

    async def _close_answered(self, answer: Uncancellable[RawResponse]) -> None:
        """Closes what was created for a caller that no longer waits."""
        try:
            envelope = read_envelope(await answer.wait(), self._request, decode_json)
            session = self._read(envelope.get("data"))
        except (AkoolError, ValueError, TimeoutError) as error:
            # What isn't ours: no answer in time, or data that can't be read.
            if not isinstance(error, AkoolError) or error.may_have_acted:
                logger.error("creating a session failed: %s; %s", error, self._unknown(error))  # noqa: TRY400
            return
        logger.warning(
            "closing the session %s, created after its caller had stopped waiting", session.id
        )
        await self._closer.start(session.id).wait()

    def _unknown(self, error: BaseException) -> str:
        late = (
            f" If it is created within {LISTEN:g} s, it is closed at once; else"
            if isinstance(error, APITimeoutError)
            else ""
        )
        return f"a session may be open, and cost credits.{late} find and close it: {self._find}"
