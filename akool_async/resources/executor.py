"""One REST call from beginning to end: authenticated, repeated where that is safe, read."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from akool_async.auth import Auth
from akool_async.errors import (
    AkoolError,
    APIError,
    AuthenticationError,
    InvalidResponseError,
    RequestError,
)
from akool_async.http import ConnectionPool
from akool_async.rest.envelope import RawResponse, read_envelope
from akool_async.rest.request import Request
from akool_async.rest.retry import RetryRules, wait_before_retry

__all__ = ["APIExecutor"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: The service's code for a token that is invalid or expired.
_TOKEN_STALE = 1101


@dataclass(frozen=True, slots=True)
class APIExecutor:
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

    async def call(
        self,
        request: Request,
        read: Callable[[Any], T],
        *,
        decode: Callable[[bytes], Any] = msgspec.json.decode,
    ) -> T:
        """Sends a request and reads the `data` of its answer.

        Args:
            request: what to send.
            read: makes of the data what is wanted; raises `ValueError` where it can't.
            decode: reads the answer's JSON.

        Raises:
            APIError: the subclass for the service's code.
            APIConnectionError, APITimeoutError: after the tries that were allowed.
            InvalidResponseError: not the service's envelope, or `read` couldn't use its data.
        """
        envelope = await self.envelope(request, decode)
        try:
            return read(envelope.get("data"))
        except ValueError as error:
            raise InvalidResponseError(
                "the data of the answer can't be read", request=request.info, status=200
            ) from error

    async def envelope(self, request: Request, decode: Callable[[bytes], Any]) -> Mapping[str, Any]:
        """Sends a request; the whole envelope of its successful answer. Raises as `call`."""
        header = await self.auth.header(self._fetch)
        try:
            return await self._repeated(request, header, decode)
        except AuthenticationError as error:
            if error.code != _TOKEN_STALE or not await self.auth.replace(header[1], self._fetch):
                raise
        # The service refused to act, so even a call that may be paid for can go out again: once.
        return await self._repeated(request, await self.auth.header(self._fetch), decode)

    async def _fetch(self, request: Request) -> Mapping[str, Any]:
        """For authentication: sends without a header, repeating as usual."""
        return await self._repeated(request, None, msgspec.json.decode)

    async def _repeated(
        self,
        request: Request,
        header: tuple[str, str] | None,
        decode: Callable[[bytes], Any],
    ) -> Mapping[str, Any]:
        began = time.monotonic()
        tries = 0
        while True:
            tries += 1
            try:
                answer = await self.pool.send(request, header, timeout=self.timeout)
                if logger.isEnabledFor(logging.DEBUG):
                    _log(request, answer, tries, time.monotonic() - began)
                return read_envelope(answer, request, decode)
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
                    "%s failed (%s), again in %.2f s", request.info, type(error).__name__, pause
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


def _log(request: Request, answer: RawResponse, tries: int, seconds: float) -> None:
    logger.debug(
        "%s: HTTP %d, %d bytes, try %d, %.0f ms since the first",
        request.info,
        answer.status,
        len(answer.body),
        tries,
        seconds * 1000,
    )
