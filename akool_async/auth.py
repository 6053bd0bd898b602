"""Who is calling: a key, a token, or a client id and secret that get one (docs/protocol.md §1).

One header per request. A fetched token is shared by all calls and replaced once per call that finds
it stale; however many calls wait for it, it is fetched once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from akool_async.errors import ConfigurationError, InvalidParameterError, InvalidResponseError
from akool_async.rest.request import Idempotency, Request, post

__all__ = [
    "API_KEY_VARIABLE",
    "CLIENT_ID_VARIABLE",
    "CLIENT_SECRET_VARIABLE",
    "Auth",
    "ClientCredentials",
    "Key",
    "Token",
    "choose_auth",
]

API_KEY_VARIABLE: Final = "AKOOL_API_KEY"
CLIENT_ID_VARIABLE: Final = "AKOOL_CLIENT_ID"
CLIENT_SECRET_VARIABLE: Final = "AKOOL_CLIENT_SECRET"  # noqa: S105 - a variable's name

#: Sends a request without authentication, repeating it as its rules say; gives its envelope.
Fetch = Callable[[Request], Awaitable[Mapping[str, Any]]]


class Auth(ABC):
    """Puts the header on a request."""

    @abstractmethod
    async def header(self, fetch: Fetch) -> tuple[str, str]:
        """The header's name and value; `fetch` is used where a token must be got first."""

    async def replace(self, stale: str, fetch: Fetch) -> bool:
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

    async def header(self, fetch: Fetch) -> tuple[str, str]:
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

    async def header(self, fetch: Fetch) -> tuple[str, str]:
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
        self._fetching: asyncio.Task[str] | None = None

    async def header(self, fetch: Fetch) -> tuple[str, str]:
        """The token, fetched first where there is none."""
        token = self._token
        if token is None:
            token = await self._shared_fetch(fetch)
        return "Authorization", f"Bearer {token}"

    async def replace(self, stale: str, fetch: Fetch) -> bool:
        """Fetches another token, unless another call did so meanwhile."""
        if self._token is not None and stale == f"Bearer {self._token}":
            self._token = None
        if self._token is None:
            await self._shared_fetch(fetch)
        return True

    def secrets(self) -> tuple[str, ...]:
        """The secret and the token."""
        return (self._secret, self._token) if self._token else (self._secret,)

    async def aclose(self) -> None:
        """Cancels a fetch that is under way."""
        task, self._fetching = self._fetching, None
        if task is not None and not task.done():
            task.cancel()
            # Whoever waits for the token is told by the task itself.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])

    async def _shared_fetch(self, fetch: Fetch) -> str:
        task = self._fetching
        if task is None:
            task = self._fetching = asyncio.get_running_loop().create_task(
                self._fetch(fetch), name="akool token"
            )
            task.add_done_callback(self._fetched)
        # Shielded: a caller that gives up doesn't take the token from the others.
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise ConfigurationError("The client was closed while it fetched a token") from None
            raise

    def _fetched(self, task: asyncio.Task[str]) -> None:
        if self._fetching is task:
            self._fetching = None
        if not task.cancelled():
            # Marked as seen: all who waited may have been cancelled.
            task.exception()

    async def _fetch(self, fetch: Fetch) -> str:
        request = post(
            "/api/open/v3/getToken",
            {"clientId": self._id, "clientSecret": self._secret},
            # It creates nothing that costs.
            idempotency=Idempotency.SAFE,
        )
        envelope = await fetch(request)
        token = envelope.get("token")
        if token is None and isinstance(envelope.get("data"), Mapping):
            token = envelope["data"].get("token")
        if not isinstance(token, str) or not token or not _fits_header(token):
            raise InvalidResponseError(
                "the answer holds no usable token", request=request.info, status=200
            )
        self._token = token
        return token


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
