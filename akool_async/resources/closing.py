"""Closing paid sessions: tried until the service says that it is done, or time is up."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from akool_async.concurrency import Backoff, Uncancellable
from akool_async.errors import (
    BadParameterError,
    ConfigurationError,
    InvalidParameterError,
    NotFoundError,
    PermissionDeniedError,
    SessionClosedError,
    SessionLeftOpenError,
)
from akool_async.resources.executor import APIExecutor
from akool_async.resources.reading import nothing
from akool_async.rest.request import Idempotency, post
from akool_async.rest.retry import RetryRules
from akool_async.validation import text

__all__ = ["SessionCloser"]

logger = logging.getLogger(__name__)

#: No such session, and closed: what closing wanted.
_CLOSED_ALREADY: Final = (1216, 1219)
#: Trying again can't help.
_FINAL: Final = (
    BadParameterError,
    ConfigurationError,
    InvalidParameterError,
    NotFoundError,
)
#: Seconds for the first try; a slow service gets twice as long each time.
_FIRST_TRY: Final = 10.0


@dataclass(frozen=True, slots=True)
class SessionCloser:
    """Closes sessions of one version of the API.

    Attributes:
        executor: calls the service.
        path: of the call that closes.
        command: what a person can do about a session left open; given its id.
    """

    executor: APIExecutor
    path: str
    command: Callable[[str], str]

    async def once(self, session_id: str) -> None:
        """Closes a session by a call that is repeated as other calls are.

        Raises:
            AkoolError: it couldn't be closed.
        """
        await self._call(self.executor, session_id)

    def start(self, session_id: str, *, timeout: float | None = None) -> Uncancellable[None]:
        """Begins to close a session, and goes on whoever is cancelled.

        Every failure that another try may mend is followed by one, until time is up. Waiting for
        it raises:

            SessionLeftOpenError: no try succeeded. Logged as an error, too.
            SystemExit, KeyboardInterrupt: came meanwhile; raised at the end.

        Args:
            session_id: its id.
            timeout: seconds from the first try's start to the last one's; waiting until fewer than
                100 others are being closed doesn't count. The client's by default.
        """
        limit = self.executor.close_timeout if timeout is None else timeout
        return self.executor.open_sessions.start(
            self._surely(session_id, limit),
            timeout=None,
            name=f"akool: closing session {session_id}",
        )

    async def _surely(self, session_id: str, timeout: float) -> None:
        clock = asyncio.get_running_loop().time
        backoff = Backoff()
        failure: BaseException = TimeoutError("not tried in time")
        exiting: BaseException | None = None
        pause, ends = 0.0, math.inf
        try:
            while True:
                await asyncio.sleep(pause)
                async with self.executor.open_sessions.slots:
                    ends = min(ends, clock() + timeout)
                    last = clock() >= ends
                    limit = max(ends - clock(), min(5.0, timeout))
                    try:
                        await self._call(self._once(backoff.tries, limit), session_id)
                        break
                    except Exception as error:  # noqa: BLE001 - whatever it is, it is still open
                        failure = error
                    except (SystemExit, KeyboardInterrupt) as error:
                        failure = exiting = error
                if last or _is_final(failure):
                    raise self._left_open(session_id, failure) from failure
                # Where the service asks for more time than there is, a last try costs nothing.
                asked = getattr(failure, "retry_after", None)
                pause = min(backoff.pause(asked), max(0.0, ends - clock()))
                why = type(failure).__name__
                logger.info("closing session %s: %s, again in %.2f s", session_id, why, pause)
        except asyncio.CancelledError as error:  # out of time: it has no other reason
            raise self._left_open(session_id, failure) from error
        if exiting is not None:
            raise exiting

    def _once(self, tries: int, limit: float) -> APIExecutor:
        return replace(
            self.executor,
            timeout=min(_FIRST_TRY * 2**tries, limit),
            retry=RetryRules(max_retries=0),
            urgent=True,
        )

    async def _call(self, executor: APIExecutor, session_id: str) -> None:
        request = post(
            self.path, {"id": text("session_id", session_id)}, idempotency=Idempotency.SAFE
        )
        try:
            await executor.call(request, nothing)
        except (NotFoundError, SessionClosedError) as error:
            if error.code not in _CLOSED_ALREADY:
                raise

    def _left_open(self, session_id: str, failure: BaseException) -> SessionLeftOpenError:
        error = SessionLeftOpenError(
            f"The session {session_id} may still be open, and cost credits: it couldn't be closed "
            f"({type(failure).__name__}: {failure}). To close it: {self.command(session_id)}",
            session_ids=(session_id,),
        )
        logger.error("%s", error)
        return error


def _is_final(failure: BaseException) -> bool:
    """Whether another try can't help. HTTP status 403 without a code isn't the service's word:
    something in between may let the next try through.
    """
    if isinstance(failure, PermissionDeniedError):
        return failure.code != failure.status
    return isinstance(failure, _FINAL)
