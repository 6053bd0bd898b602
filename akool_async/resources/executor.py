"""One REST call from beginning to end: authenticated, repeated where that is safe, read."""

from __future__ import annotations

import asyncio
import inspect
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from akool_async.auth import Auth, TokenFetch
from akool_async.errors import (
    APIError,
    APITimeoutError,
    AuthenticationError,
    InvalidResponseError,
    RequestError,
)
from akool_async.http import ConnectionPool
from akool_async.models.base import Answer
from akool_async.resources.open_sessions import OpenSessions
from akool_async.resources.pagination import PageData
from akool_async.resources.reading import page, problem
from akool_async.rest.envelope import RawResponse, read_envelope
from akool_async.rest.pages import page_decoder
from akool_async.rest.redaction import Redactor
from akool_async.rest.request import Idempotency, Request
from akool_async.rest.retry import RetryRules, wait_before_retry
from akool_async.rest.tolerant_json import decode_json
from akool_async.telemetry.measurements import Measurements

__all__ = ["APIExecutor", "Send"]

logger = logging.getLogger(__name__)

T = TypeVar("T")
A = TypeVar("A", bound=Answer)
Envelope = Mapping[str, Any]
#: Sends a request with a header of authentication, once.
Send = Callable[[Request, "tuple[str, str] | None"], Awaitable[RawResponse]]

#: A part of a path that names one thing, so that all calls of a kind are measured together.
_ID_IN_PATH: Final = re.compile(r"/(?=[^/]*\d)[^/]{16,}")

#: The service's code for a token that is invalid or expired.
_TOKEN_STALE = 1101


@dataclass(frozen=True, slots=True)
class APIExecutor:
    """What every resource calls through.

    Attributes:
        pool: the connections, shared by all copies of a client.
        auth: who is calling, shared as well.
        timeout: seconds for one try, reading its answer included.
        retry: how often, and how long.
        close_timeout: seconds for which closing a session is tried.
        urgent: doesn't wait for other calls; for what closes a paid session.
        open_sessions: the sessions that the client has open, shared as well.
        telemetry: given the duration of every call, its repetitions included.
        credits_per_minute: what a minute of a session costs, as the client's user knows it.
    """

    pool: ConnectionPool
    auth: Auth = field(repr=False)
    timeout: float = 30.0
    retry: RetryRules = field(default_factory=RetryRules)
    close_timeout: float = 60.0
    urgent: bool = False
    open_sessions: OpenSessions = field(default_factory=OpenSessions, repr=False)
    telemetry: Measurements | None = field(default=None, repr=False)
    credits_per_minute: float | None = None

    async def call(
        self,
        request: Request,
        read: Callable[[Any], T],
        *,
        send: Send | None = None,
    ) -> T:
        """Sends a request and reads the `data` of its answer.

        Args:
            request: what to send.
            read: makes of the data what is wanted; raises `ValueError` where it can't.
            send: sends each try; by default through the pool, within `timeout`.

        Raises:
            APIError: the subclass for the service's code.
            APIConnectionError, APITimeoutError: after the tries that were allowed.
            InvalidResponseError: not the service's envelope, or `read` couldn't use its data.
        """

        def read_data(envelope: Envelope) -> T:
            return read(envelope.get("data"))

        return await self._authenticated(request, decode_json, read_data, send)

    async def page(self, request: Request, kind: type[A], wrapped: str = "result") -> PageData[A]:
        """Sends a request and reads the page of a list. Raises as `call`.

        Args:
            request: what to send.
            kind: of the items.
            wrapped: another name than `result` that the list may have in the data.
        """

        def read_page(envelope: Envelope) -> Awaitable[PageData[A]]:
            return page(kind, envelope.get("data"), wrapped)

        return await self._authenticated(request, page_decoder(kind, wrapped), read_page)

    async def _authenticated(
        self,
        request: Request,
        decode: Callable[[bytes], Any],
        read: Callable[[Envelope], Awaitable[T] | T],
        send: Send | None = None,
    ) -> T:
        fetch = TokenFetch(self._fetch, limit=self._longest(), urgent=self.urgent)
        try:
            header = await self.auth.header(fetch)
            try:
                return await self._repeated(request, header, decode, read, send)
            except AuthenticationError as error:
                if error.code != _TOKEN_STALE or not await self.auth.replace(header[1], fetch):
                    raise
            # The service refused to act, so even a call that may be paid for can go out once more.
            return await self._repeated(request, await self.auth.header(fetch), decode, read, send)
        except (APIError, RequestError) as error:
            # What the service or the network did is in its text; the frames from here to the
            # socket would only hide it.
            raise error.with_traceback(None)  # noqa: B904 - the same error

    def _longest(self) -> float:
        """Seconds that a call takes at most, all tries included."""
        return self.timeout + (self.retry.retry_time if self.retry.max_retries else 0.0)

    async def _fetch(self, request: Request) -> Envelope:
        """For authentication: sends without a header, repeating as usual."""
        return await self._repeated(request, None, decode_json, _whole_envelope)

    async def _send(self, request: Request, header: tuple[str, str] | None) -> RawResponse:
        return await self.pool.send(request, header, timeout=self.timeout, urgent=self.urgent)

    async def _repeated(
        self,
        request: Request,
        header: tuple[str, str] | None,
        decode: Callable[[bytes], Any],
        read: Callable[[Envelope], Awaitable[T] | T],
        send: Send | None = None,
    ) -> T:
        began, tries, failed = time.monotonic(), 0, ""
        try:
            while True:
                tries += 1
                try:
                    return await self._try(request, header, decode, read, send, tries, began)
                except (RequestError, APIError) as error:
                    pause = wait_before_retry(
                        error,
                        rules=self.retry,
                        tries=tries,
                        elapsed=time.monotonic() - began,
                        retry_after=error.retry_after,
                        random=random.random,
                    )
                    if pause is None:
                        raise
                    logger.info(
                        "%s failed (%s), again in %.2f s", request.info, type(error).__name__, pause
                    )
                await asyncio.sleep(pause)
        except BaseException as error:
            failed = type(error).__name__
            raise
        finally:
            if self.telemetry is not None:
                took = time.monotonic() - began
                _measure(self.telemetry, self.pool.base_url, request, took, failed, tries - 1)

    async def _try(
        self,
        request: Request,
        header: tuple[str, str] | None,
        decode: Callable[[bytes], Any],
        read: Callable[[Envelope], Awaitable[T] | T],
        send: Send | None,
        number: int,
        began: float,
    ) -> T:
        started = time.monotonic()
        answer = await (send or self._send)(request, header)
        if logger.isEnabledFor(logging.DEBUG):
            _log(request, answer, number, time.monotonic() - began)
        envelope = read_envelope(answer, request, decode, redact=partial(self._redact, request))
        return await self._read(request, envelope, read, started + self.timeout)

    async def _read(
        self,
        request: Request,
        envelope: Envelope,
        read: Callable[[Envelope], Awaitable[T] | T],
        deadline: float,
    ) -> T:
        try:
            value = read(envelope)
            if not inspect.isawaitable(value):
                return value
            async with asyncio.timeout(deadline - time.monotonic()):
                return await value
        except TimeoutError as error:
            raise APITimeoutError(
                f"the answer wasn't read within {self.timeout:g} s",
                request=request.info,
                retryable=request.idempotency is Idempotency.SAFE,
            ) from error
        except ValueError as error:
            unreadable = problem(error)
        # Not chained: a validation error holds the answer, and so its tokens.
        raise InvalidResponseError(
            f"the data of the answer can't be read: {unreadable}", request=request.info, status=200
        )

    def _redact(self, request: Request, text: str) -> str:
        """The service's text without what it quotes of our secrets."""
        return Redactor((*self.auth.secrets(), *request.secrets())).redact(text)


def _whole_envelope(envelope: Envelope) -> Envelope:
    return envelope


def _measure(
    telemetry: Measurements,
    base_url: str,
    request: Request,
    seconds: float,
    error: str,
    repeated: int,
) -> None:
    path = _ID_IN_PATH.sub("/{id}", request.path)
    attributes: dict[str, str | int] = {"http.request.method": request.method, "url.template": path}
    host = urlsplit(base_url)
    if host.hostname is not None:
        attributes["server.address"] = host.hostname
        attributes["server.port"] = host.port or (80 if host.scheme == "http" else 443)
    if repeated:
        attributes["http.request.resend_count"] = repeated
    try:
        telemetry.request(f"{request.method} {path}", seconds, attributes, error)
    except (Exception, asyncio.CancelledError):
        # The call may be paid for; the program's measurements must not hide its result.
        logger.exception("telemetry= failed")


def _log(request: Request, answer: RawResponse, tries: int, seconds: float) -> None:
    logger.debug(
        "%s: HTTP %d, %d bytes, try %d, %.0f ms since the first",
        request.info,
        answer.status,
        len(answer.body),
        tries,
        seconds * 1000,
    )
