"""`AkoolClient`: the REST API, and sessions joined (docs/protocol.md §1)."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from aiohttp import ClientSession

from akool_async.auth import choose_auth
from akool_async.concurrency import Uncancellable, user_task
from akool_async.errors import InvalidParameterError, SessionLeftOpenError
from akool_async.http import ConnectionPool
from akool_async.misuse import refused
from akool_async.opening import SessionOpener
from akool_async.resources.account import Account
from akool_async.resources.avatars import Avatars
from akool_async.resources.executor import APIExecutor
from akool_async.resources.knowledge import KnowledgeBases
from akool_async.resources.languages import Languages
from akool_async.resources.legacy_sessions import LegacySessions
from akool_async.resources.sessions import Sessions
from akool_async.resources.voices import Voices
from akool_async.rest.base_url import DEFAULT_BASE_URL, normalise_base_url
from akool_async.rest.retry import RetryRules
from akool_async.telemetry.measurements import Measurements
from akool_async.validation import methods, number, whole

__all__ = ["DEFAULT_CLOSE_TIMEOUT", "DEFAULT_MAX_RETRIES", "DEFAULT_TIMEOUT", "AkoolClient"]

BASE_URL_VARIABLE: Final = "AKOOL_API_URL"
#: Seconds for one try of a call.
DEFAULT_TIMEOUT: Final = 30.0
DEFAULT_MAX_RETRIES: Final = 2
#: Seconds for which closing a session is tried.
DEFAULT_CLOSE_TIMEOUT: Final = 60.0


class AkoolClient(SessionOpener):
    """One account. Use it as a context manager, or call `aclose`; safe for many tasks at once.

    The connections are made on first use, in the event loop of that moment. Proxies are taken from
    the environment (`HTTPS_PROXY`, `NO_PROXY`), unless `session` is given, which has its own.

    Attributes:
        avatars, sessions, legacy_sessions, voices, languages, knowledge, account: the resources.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        token: str | None = None,
        base_url: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        session_close_timeout: float = DEFAULT_CLOSE_TIMEOUT,
        session: ClientSession | None = None,
        telemetry: Measurements | None = None,
        credits_per_minute: float | None = None,
    ) -> None:
        """Keeps what it is given; connects to nothing.

        Args:
            api_key: or the environment's `AKOOL_API_KEY`.
            client_id: with `client_secret`, in place of a key; or `AKOOL_CLIENT_ID`.
            client_secret: or `AKOOL_CLIENT_SECRET`.
            token: a bearer token, in place of a key.
            base_url: or `AKOOL_API_URL`; https, or http on a loopback address.
            timeout: seconds for one try of a call.
            max_retries: how often a call is repeated, where that is safe.
            session_close_timeout: seconds for which closing an open session is tried, whatever
                `timeout` and `max_retries` are: it costs until it is closed.
            session: one's own `aiohttp.ClientSession`; it is never closed here.
            telemetry: given the durations of calls, and of sessions whose `ConversationOptions`
                have none; see `akool_async.telemetry`.
            credits_per_minute: what a minute of a session costs you, for
                `SessionInfo.estimated_credits`. The service documents no price: compare
                `account.credits()` before and after a session.

        Raises:
            ConfigurationError: no credentials (names the variables), or a base URL that would send
                them in clear.
            InvalidParameterError: a value out of range.
        """
        auth = choose_auth(
            api_key=api_key, client_id=client_id, client_secret=client_secret, token=token
        )
        address = base_url or os.environ.get(BASE_URL_VARIABLE, "").strip() or DEFAULT_BASE_URL
        if session is not None and not isinstance(session, ClientSession):
            raise InvalidParameterError(
                "session", f"{type(session).__name__} isn't an aiohttp.ClientSession"
            )
        if telemetry is not None:
            methods("telemetry", telemetry, "begin", "request")
        pool = ConnectionPool(normalise_base_url(address), session)
        self._owns_pool = True
        self._closing: Uncancellable[None] | None = None
        self._closing_waited_for = False
        self._executor = APIExecutor(
            pool,
            auth,
            timeout=_timeout(timeout),
            retry=RetryRules(max_retries=whole("max_retries", max_retries, 0, 100)),
            close_timeout=_seconds("session_close_timeout", session_close_timeout),
            telemetry=telemetry,
            credits_per_minute=None
            if credits_per_minute is None
            else number("credits_per_minute", credits_per_minute, 0.0, 1_000_000.0),
        )

    def __repr__(self) -> str:
        if "_executor" not in self.__dict__:  # its construction failed, and a debugger shows it
            return f"<{type(self).__name__}, not constructed>"
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    @property
    def base_url(self) -> str:
        """Where the API is, without a slash at the end."""
        return self._executor.pool.base_url

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._executor.pool.closed

    @cached_property
    def avatars(self) -> Avatars:
        """Avatars: list, get, upload."""
        return Avatars(self._executor)

    @cached_property
    def sessions(self) -> Sessions:
        """Sessions of version 4."""
        return Sessions(self._executor)

    @cached_property
    def legacy_sessions(self) -> LegacySessions:
        """Sessions of version 3."""
        return LegacySessions(self._executor)

    @cached_property
    def voices(self) -> Voices:
        """Voices."""
        return Voices(self._executor)

    @cached_property
    def languages(self) -> Languages:
        """Languages."""
        return Languages(self._executor)

    @cached_property
    def knowledge(self) -> KnowledgeBases:
        """Knowledge bases."""
        return KnowledgeBases(self._executor)

    @cached_property
    def account(self) -> Account:
        """The account: its credits."""
        return Account(self._executor)

    def with_options(
        self,
        *,
        timeout: float | None = None,
        max_retries: int | None = None,
        retry_time: float | None = None,
        backoff: float | None = None,
        session_close_timeout: float | None = None,
    ) -> Self:
        """A copy with other limits, which shares connections and tokens with this one.

            await client.with_options(timeout=5, max_retries=0).sessions.get(session_id)

        Closing the copy closes nothing; closing this client closes it for both. A subclass's own
        attributes are copied, too.

        Args:
            timeout: seconds for one try of a call.
            max_retries: how often a call is repeated, where that is safe.
            retry_time: seconds from the first try's start after which no other is begun.
            backoff: seconds; the longest first pause between tries, later ones are longer.
            session_close_timeout: seconds for which closing an open session is tried.

        Raises:
            InvalidParameterError: a value out of range.
        """
        rules: dict[str, Any] = {}
        if max_retries is not None:
            rules["max_retries"] = whole("max_retries", max_retries, 0, 100)
        if retry_time is not None:
            rules["retry_time"] = number("retry_time", retry_time, 0.0, 86_400.0)
        if backoff is not None:
            rules["backoff"] = number("backoff", backoff, 0.0, 60.0)
        executor = self._executor
        copy = object.__new__(type(self))
        # All but the resources, which are cached and call by the limits of this client.
        mine = {name: value for name, value in vars(self).items() if name not in _RESOURCES}
        copy.__dict__.update(mine)
        copy._owns_pool = False
        copy._executor = replace(
            executor,
            timeout=executor.timeout if timeout is None else _timeout(timeout),
            close_timeout=executor.close_timeout
            if session_close_timeout is None
            else _seconds("session_close_timeout", session_close_timeout),
            retry=replace(executor.retry, **rules),
        )
        return copy

    async def aclose(self) -> None:
        """Closes the sessions that this client has open, then the connections.

        Sessions that are being created are waited for and closed, too; those that `sessions.create`
        has returned are their creator's. The connections of a `session` that was given stay open.
        Goes on to the end when cancelled, then raises the cancellation. Twice is fine. A handler or
        a responder of such a session doesn't wait here: closing waits for it.

        Raises:
            SessionLeftOpenError: a session couldn't be closed. Raised once, and logged.
        """
        if not self._owns_pool:
            return
        if self._closing is None:
            self._executor.open_sessions.closing = True  # from now on, not from its first step on
            self._closing = Uncancellable(
                self._shut(), timeout=None, name="akool: closing the client"
            )
        if self._executor.open_sessions.wait_for(user_task()):
            return
        first, self._closing_waited_for = not self._closing_waited_for, True
        try:
            await self._closing.wait()
        except SessionLeftOpenError:
            if first:
                raise

    async def _shut(self) -> None:
        try:
            await self._executor.open_sessions.aclose()
        finally:
            await self._executor.auth.aclose()
            await self._executor.pool.aclose()

    if not TYPE_CHECKING:
        __enter__ = refused("a client is closed asynchronously: write `async with AkoolClient()`")
        __exit__ = refused("it wasn't entered")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self.aclose()
        except Exception as failure:
            if error is None:
                raise
            error.add_note(str(failure))


#: What is cached in a client, and made again in its copies.
_RESOURCES: Final = frozenset(
    name for name, value in vars(AkoolClient).items() if isinstance(value, cached_property)
)


def _timeout(value: object) -> float:
    return _seconds("timeout", value)


def _seconds(name: str, value: object) -> float:
    seconds = number(name, value, 0.0, 86_400.0)
    if not seconds:
        raise InvalidParameterError(name, "is 0 s, give more than that, at most 86400 s")
    return float(seconds)
