"""One REST call from beginning to end: authenticated, repeated where that is safe, read."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from akool_async.auth import Auth
from akool_async.errors import (
    AkoolError,
    APIError,
    AuthenticationError,
    InvalidResponseError,
    RequestError,
)
from akool_async.http import ConnectionPool
from akool_async.rest.envelope import RawAnswer, read_envelope
from akool_async.rest.request import Request
from akool_async.rest.retry import RetryRules, wait_before_retry

__all__ = ["Caller"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: The service's code for a token that is invalid or expired.
_TOKEN_STALE = 1101


@dataclass(frozen=True, slots=True)
class Caller:
    """What every resource calls through.

    Attributes:
        pool: the connections, shared by all copies of a client.
        auth: who is calling, shared as well.
        timeout: seconds for one try.
        retry: how often, and how long.
    """

    pool: ConnectionPool
    auth: Auth = field(repr=False)
    timeout: float = 30.0
    retry: RetryRules = field(default_factory=RetryRules)

    async def call(self, request: Request, read: Callable[[Any], T]) -> T:
        """Sends a request and reads the `data` of its answer.

        Raises:
            APIError: the subclass for the service's code.
            APIConnectionError, APITimeoutError: after the tries that were allowed.
            InvalidResponseError: not the service's envelope, or `read` couldn't use its data.
        """
        envelope = await self.envelope(request)
        try:
            return read(envelope.get("data"))
        except ValueError as error:
            raise InvalidResponseError(
                "the data of the answer can't be read", request=request.info, status=200
            ) from error

    async def envelope(self, request: Request) -> Mapping[str, Any]:
        """Sends a request; the whole envelope of its successful answer. Raises as `call`."""
        header = await self.auth.header(self._fetch)
        try:
            return await self._repeated(request, lambda: self._tried(request, header))
        except AuthenticationError as error:
            if error.code != _TOKEN_STALE or not await self.auth.replace(header[1], self._fetch):
                raise
        # The service refused to act, so even a call that may be paid for can go out again: once.
        another = await self.auth.header(self._fetch)
        return await self._repeated(request, lambda: self._tried(request, another))

    async def _tried(self, request: Request, header: tuple[str, str]) -> Mapping[str, Any]:
        return read_envelope(await self._send(request, header), request)

    async def _fetch(self, request: Request) -> RawAnswer:
        """For authentication: sends without a header, repeating as usual."""

        async def once() -> RawAnswer:
            answer = await self._send(request, None)
            read_envelope(answer, request)
            return answer

        return await self._repeated(request, once)

    async def _send(self, request: Request, header: tuple[str, str] | None) -> RawAnswer:
        began = time.monotonic()
        answer = await self.pool.send(request, header, timeout=self.timeout)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug(
                "%s %s: HTTP %d, %d bytes, %.0f ms",
                request.method,
                request.path,
                answer.status,
                len(answer.body),
                (time.monotonic() - began) * 1000,
            )
        return answer

    async def _repeated(self, request: Request, once: Callable[[], Awaitable[T]]) -> T:
        began = time.monotonic()
        tries = 0
        while True:
            tries += 1
            try:
                return await once()
            except (RequestError, APIError) as error:
                self._keep_secret(error)
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
                    "%s %s failed (%s), again in %.2f s",
                    request.method,
                    request.path,
                    type(error).__name__,
                    pause,
                )
            await asyncio.sleep(pause)

    def _keep_secret(self, error: AkoolError) -> None:
        """Takes the key or token out of an error's text, where the service repeated it there."""
        for secret in self.auth.secrets():
            for name in ("message", "problem"):
                told = getattr(error, name, None)
                if isinstance(told, str) and secret in told:
                    setattr(error, name, told.replace(secret, "***"))
            error.args = tuple(
                one.replace(secret, "***") if isinstance(one, str) else one for one in error.args
            )
