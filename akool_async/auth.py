"""Authentication: a key, a token, or a client id and secret that get one (docs/protocol.md §1).

One header per request. A fetched token is shared by all calls and replaced once per call that finds
it stale; however many calls wait for it, it is fetched once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from akool_async.concurrency import unlisted_task
from akool_async.errors import (
    APITimeoutError,
    ConfigurationError,
    InvalidParameterError,
    InvalidResponseError,
    RequestError,
)
from akool_async.rest.request import Idempotency, Request, post

__all__ = [
    "API_KEY_VARIABLE",
    "CLIENT_ID_VARIABLE",
    "CLIENT_SECRET_VARIABLE",
    "Auth",
    "ClientCredentials",
    "Key",
    "Token",
    "TokenFetch",
    "choose_auth",
]

API_KEY_VARIABLE: Final = "AKOOL_API_KEY"
CLIENT_ID_VARIABLE: Final = "AKOOL_CLIENT_ID"
CLIENT_SECRET_VARIABLE: Final = "AKOOL_CLIENT_SECRET"  # noqa: S105 - a variable's name

#: Tokens that were replaced and are still kept out of texts: calls with them may be under way.
_OLD_TOKENS: Final = 8


@dataclass(frozen=True, slots=True)
class TokenFetch:
    """How a client asks for a token: copies of a client differ in their limits.

    Attributes:
        send: sends a request without authentication, repeating it as its rules say; returns the
            envelope of its answer.
        limit: seconds that the client waits for a token that another copy fetches.
        urgent: the token is needed to close a paid session, also while the program ends.
    """

    send: Callable[[Request], Awaitable[Mapping[str, Any]]]
    limit: float
    urgent: bool = False


class Auth(ABC):
    """Gives the header of authentication to requests."""

    @abstractmethod
    async def header(self, fetch: TokenFetch) -> tuple[str, str]:
        """The header's name and value; `fetch` is used where there is no token yet."""

    async def replace(self, stale: str, fetch: TokenFetch) -> bool:
        """Called when the service refused a header's value with 1101.

        Returns:
            Whether there is another one now, with which the call may be tried once more.
        """
        del stale, fetch
        return False

    @abstractmethod
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in an error's text."""

    async def aclose(self) -> None:
        """Ends what is under way. Twice is fine."""
        return


class Key(Auth):
    """`x-api-key`, the vendor's recommendation."""

    def __init__(self, key: str) -> None:
        self._key = key

    async def header(self, fetch: TokenFetch) -> tuple[str, str]:
        """The key."""
        del fetch
        return "x-api-key", self._key

    def secrets(self) -> tuple[str, ...]:
        """The key."""
        return (self._key,)


class Token(Auth):
    """A bearer token that the user has. It can't be replaced here."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def header(self, fetch: TokenFetch) -> tuple[str, str]:
        """The token."""
        del fetch
        return "Authorization", f"Bearer {self._token}"

    def secrets(self) -> tuple[str, ...]:
        """The token."""
        return (self._token,)


class ClientCredentials(Auth):
    """A token got with a client id and secret, shared, and replaced when it is stale."""

    def __init__(self, client_id: str, client_secret: str) -> None:
        self._id = client_id
        self._secret = client_secret
        self._token: str | None = None
        self._replaced: deque[str] = deque(maxlen=_OLD_TOKENS)
        self._fetching: asyncio.Task[str] | None = None
        self._closed = False

    async def header(self, fetch: TokenFetch) -> tuple[str, str]:
        """The token, fetched first where there is none."""
        token = self._token
        if token is None:
            token = await self._shared_fetch(fetch)
        return "Authorization", f"Bearer {token}"

    async def replace(self, stale: str, fetch: TokenFetch) -> bool:
        """Fetches another token, unless another call did so meanwhile."""
        if self._token is not None and stale == f"Bearer {self._token}":
            self._replaced.append(self._token)
            self._token = None
        if self._token is None:
            await self._shared_fetch(fetch)
        return True

    def secrets(self) -> tuple[str, ...]:
        """The secret, the token, and those before it."""
        current = (self._token,) if self._token else ()
        return (self._secret, *current, *self._replaced)

    async def aclose(self) -> None:
        """Cancels a fetch that is under way."""
        self._closed = True
        task, self._fetching = self._fetching, None
        if task is not None and not task.done():
            task.cancel()
            # Whoever waits for the token gets the error from the task itself.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])

    async def _shared_fetch(self, fetch: TokenFetch) -> str:
        end = time.monotonic() + fetch.limit
        while True:
            task, own = self._fetching, False
            if task is None:
                task, own = self._begin_fetch(fetch), True
            # Waiting doesn't take the token from the others where this caller is cancelled.
            left = None if own else max(0.0, end - time.monotonic())
            await asyncio.wait([task], timeout=left)
            if not task.done():
                raise APITimeoutError(
                    f"another call has waited for a token for more than {fetch.limit:g} s",
                    request=_token_request(self._id, self._secret).info,
                    retryable=True,
                    sent=False,
                )
            if task.cancelled():
                if self._closed:
                    raise ConfigurationError("The client was closed while it fetched a token")
                continue  # by a program that ends, and this caller goes on
            try:
                return task.result()
            except RequestError as error:
                if own or not error.retryable:
                    raise
                # It failed within the limits of the copy that began it; ours may be wider.

    def _begin_fetch(self, fetch: TokenFetch) -> asyncio.Task[str]:
        # Not awaited itself: a caller that is cancelled doesn't take the token from the others.
        work, name = self._fetch(fetch), "akool token"
        if fetch.urgent:
            task = unlisted_task(work, name=name)
        else:
            task = asyncio.get_running_loop().create_task(work, name=name)
        self._fetching = task
        task.add_done_callback(self._fetched)
        return task

    def _fetched(self, task: asyncio.Task[str]) -> None:
        if self._fetching is task:
            self._fetching = None
        if not task.cancelled():
            # Marked as seen: all who waited may have been cancelled.
            task.exception()

    async def _fetch(self, fetch: TokenFetch) -> str:
        request = _token_request(self._id, self._secret)
        envelope = await fetch.send(request)
        token = envelope.get("token")
        if token is None and isinstance(envelope.get("data"), Mapping):
            token = envelope["data"].get("token")
        if not isinstance(token, str) or not token or not _fits_header(token):
            raise InvalidResponseError(
                "the answer holds no usable token", request=request.info, status=200
            )
        self._token = token
        return token


def _token_request(client_id: str, client_secret: str) -> Request:
    return post(
        "/api/open/v3/getToken",
        {"clientId": client_id, "clientSecret": client_secret},
        # It creates nothing that costs.
        idempotency=Idempotency.SAFE,
    )


def choose_auth(
    *,
    api_key: str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    token: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Auth:
    """The way to authenticate: what was given, else what the environment has.

    Raises:
        ConfigurationError: nothing, more than one way, or half of a pair; names the variables.
        InvalidParameterError: a value that no header can hold. It isn't quoted.
    """
    env = os.environ if environ is None else environ
    ways = [
        name
        for name, value in (
            ("api_key", api_key),
            ("token", token),
            ("client_id and client_secret", client_id or client_secret),
        )
        if value is not None
    ]
    if len(ways) > 1:
        raise ConfigurationError(f"Give one of {' / '.join(ways)}, not several")
    if api_key is not None:
        return Key(_checked("api_key", api_key))
    if token is not None:
        return Token(_checked("token", token))
    if not ways and _variable(env, API_KEY_VARIABLE):
        return Key(_checked(API_KEY_VARIABLE, env[API_KEY_VARIABLE]))
    client_id = client_id or _variable(env, CLIENT_ID_VARIABLE)
    client_secret = client_secret or _variable(env, CLIENT_SECRET_VARIABLE)
    if client_id and client_secret:
        return ClientCredentials(
            _checked("client_id", client_id), _checked("client_secret", client_secret)
        )
    if client_id or client_secret:
        missing = (
            ("client_secret", CLIENT_SECRET_VARIABLE)
            if client_id
            else (
                "client_id",
                CLIENT_ID_VARIABLE,
            )
        )
        raise ConfigurationError(f"{missing[0]} is missing: give it, or set {missing[1]}")
    raise ConfigurationError(
        f"No credentials: set {API_KEY_VARIABLE}, or {CLIENT_ID_VARIABLE} and "
        f"{CLIENT_SECRET_VARIABLE}, or give api_key=, token=, or client_id= and client_secret="
    )


def _variable(env: Mapping[str, str], name: str) -> str | None:
    value = env.get(name, "")
    return value if value.strip() else None


def _fits_header(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _checked(name: str, value: object) -> str:
    """A secret without the white space that files and shells leave around one."""
    if not isinstance(value, str):
        raise InvalidParameterError(name, f"{type(value).__name__} isn't a string")
    stripped = value.strip()
    if not stripped:
        raise InvalidParameterError(name, "is empty")
    if not _fits_header(stripped):
        raise InvalidParameterError(
            name, "holds a character that an HTTP header can't (printable ASCII only)"
        )
    return stripped
