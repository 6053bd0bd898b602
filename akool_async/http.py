"""Sending requests and reading answers: the only REST module that uses aiohttp.

One pool of connections per client, made on first use, shared by its `with_options` copies. Answers
are bounded in size, redirects aren't followed (the key would go with them), and every aiohttp error
becomes one of ours, chained and without headers.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
import warnings
from typing import Any, Final

import aiohttp
from aiohttp.connector import Connection
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from akool_async.concurrency import unlist
from akool_async.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    InvalidResponseError,
    RequestError,
)
from akool_async.models.addresses import is_loopback
from akool_async.rest.envelope import RawResponse
from akool_async.rest.proxy import Proxy
from akool_async.rest.request import Idempotency, Request
from akool_async.rest.retry import read_retry_after

__all__ = ["ConnectionPool"]


#: The largest answer that is read, in bytes; a page of 100 avatars has about 60 kB.
MAX_ANSWER: Final = 8 * 2**20
#: Seconds for making a connection, less where the whole call has less.
CONNECT_TIMEOUT: Final = 10.0
#: Calls at a time; calls beyond wait for a slot. Those that close a paid session don't: waiting
#: behind a hundred slow calls would leave sessions open.
MAX_CONNECTIONS: Final = 100

_JSON: Final = "application/json"


class ConnectionPool:
    """Sends requests to one base URL.

    Args:
        base_url: normalised.
        session: the user's own `aiohttp.ClientSession`, which is used as it is and never closed.
    """

    def __init__(self, base_url: str, session: aiohttp.ClientSession | None = None) -> None:
        self.base_url = base_url
        self._session = session
        self._own = session is None
        self._proxy: Proxy | None = None
        self._urls: dict[str, URL] = {}
        self._timeouts: dict[tuple[float, float], aiohttp.ClientTimeout] = {}
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called."""
        return self._closed

    async def aclose(self) -> None:
        """Closes the connections, unless the session is the user's. Twice is fine."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None and self._own:
            await session.close()

    def __del__(self) -> None:
        session = getattr(self, "_session", None)
        if session is not None and self._own and not session.closed:
            warnings.warn(
                "an AkoolClient wasn't closed, so its connections stay open. Use `async with "
                "AkoolClient() as akool`, or `await akool.aclose()`",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )

    async def send(
        self,
        request: Request,
        header: tuple[str, str] | None,
        *,
        timeout: float,
        urgent: bool = False,
        listen: float = 0.0,
    ) -> RawResponse:
        """Sends one request once.

        Args:
            request: what to send.
            header: the authentication's, `None`: none.
            timeout: seconds for all of it, waiting, connecting and reading included.
            urgent: needs no slot: it closes a session, or the caller took one by `take_slot`.
            listen: seconds beyond `timeout` that the answer to a request already sent may take.

        Raises:
            APIConnectionError: the connection wasn't made (`sent` is False) or broke.
            APITimeoutError: no whole answer in time.
            InvalidResponseError: no HTTP, or more than 8 MiB.
            ConfigurationError: the client or the user's session is closed, or of another loop; the
                session has a login; the environment's proxy can't be used.
        """
        session = self._open_session()
        if urgent or not self._own:
            return await self._send(session, request, header, self._timeout(timeout, listen))
        timeout = await self.take_slot(request, timeout)
        try:
            return await self._send(session, request, header, self._timeout(timeout, listen))
        finally:
            self.free_slot()

    async def take_slot(self, request: Request, timeout: float) -> float:
        """Waits until fewer than `MAX_CONNECTIONS` calls are under way, and takes a slot, which
        `free_slot` gives back. Cancelled, or with an error, it took none.

        A user's own session has limits of its own; nothing waits here then.

        Returns:
            The seconds that are left of `timeout`.

        Raises:
            APITimeoutError: no slot in time; nothing was sent.
            ConfigurationError: as `send`.
        """
        self._open_session()
        if not self._own:
            return timeout
        if not self._slots.locked():
            await self._slots.acquire()  # at once
            return timeout
        began = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                await self._slots.acquire()
        except TimeoutError as error:
            raise APITimeoutError(
                f"not sent within {timeout:g} s: {MAX_CONNECTIONS} other calls are under way",
                request=request.info,
                retryable=True,
                sent=False,
            ) from error
        return max(timeout - (time.monotonic() - began), 0.001)

    def free_slot(self) -> None:
        """Gives back what `take_slot` took."""
        if self._own:
            self._slots.release()

    async def _send(
        self,
        session: aiohttp.ClientSession,
        request: Request,
        header: tuple[str, str] | None,
        timeout: aiohttp.ClientTimeout,
    ) -> RawResponse:
        headers = {"Accept": _JSON}
        if header is not None:
            headers[header[0]] = header[1]
        if request.body is not None:
            headers["Content-Type"] = _JSON
        options: dict[str, Any] = {}
        if request.query:
            options["params"] = request.query
        if (
            self._own
            and request.method == "DELETE"
            and request.idempotency is Idempotency.UNLESS_DONE
        ):
            options["middlewares"] = (_once,)
        if self._proxy is not None:
            options["proxy"] = self._proxy.url
            options["proxy_headers"] = self._proxy.headers
        try:
            async with session.request(
                request.method,
                self._url(request.path),
                data=request.body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                # The service's code decides, whatever the user's session is set to.
                raise_for_status=False,
                **options,
            ) as response:
                answered = response.headers
                wait = answered.get("Retry-After")
                return RawResponse(
                    status=response.status,
                    body=await _read_bounded(response, request),
                    content_type=answered.get("Content-Type", ""),
                    retry_after=None if wait is None else read_retry_after(wait, now=time.time()),
                )
        except RequestError:
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _translated(error, request, timeout.total or 0.0) from _cause(error)
        except Exception as error:
            # Of aiohttp, yarl, a codec, or, of any kind, middleware and tracing of the user's
            # session: whether the service saw the call isn't known.
            raise APIConnectionError(
                f"the call failed with {type(error).__name__}", request=request.info
            ) from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # The end of the loop cancelled a task of aiohttp's that looks up a name or connects.
            raise APIConnectionError(
                "connecting was cancelled", request=request.info, retryable=True, sent=False
            ) from error

    def _open_session(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ConfigurationError("The client is closed")
        if self._session is None:
            # Not `trust_env=True`: aiohttp then goes through two threads and reads ~/.netrc for
            # every call, and an entry there would replace the key.
            self._proxy = Proxy.from_environment(self.base_url)
            self._loop = asyncio.get_running_loop()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
                request_class=_Request,
            )
        elif self._own:
            if self._loop is not asyncio.get_running_loop():
                raise ConfigurationError(
                    "The client is used in another event loop than before: make one for each"
                )
        elif self._loop is not asyncio.get_running_loop():
            self._check_users_session(self._session)
            self._loop = asyncio.get_running_loop()
        if self._session.closed:
            raise ConfigurationError("The aiohttp session given as session= is closed")
        return self._session

    @staticmethod
    def _check_users_session(session: aiohttp.ClientSession) -> None:
        """Refuses what would fail in aiohttp, or make the service see another caller."""
        # Without a public name; where aiohttp renames it, its own error is raised.
        loop = getattr(session, "_loop", None)
        if loop is not None and loop is not asyncio.get_running_loop():
            raise ConfigurationError(
                "The aiohttp session given as session= belongs to another event loop: make it, and "
                "the client, in the loop that uses them"
            )
        if session.auth is not None or "Authorization" in session.headers:
            raise ConfigurationError(
                "The aiohttp session given as session= has a login of its own (auth= or an "
                "Authorization header), which the service would take for the account: give a "
                "session without"
            )

    def _url(self, path: str) -> URL:
        url = self._urls.get(path)
        if url is None:
            url = URL(self.base_url + path)
            # Most paths are constants; a few hold an id.
            if len(self._urls) < 100:
                self._urls[path] = url
        return url

    def _timeout(self, seconds: float, listen: float) -> aiohttp.ClientTimeout:
        timeout = self._timeouts.get((seconds, listen))
        if timeout is None:
            # Connecting has less, so that it differs from a call that was sent.
            connect = min(CONNECT_TIMEOUT, seconds * 0.8)
            timeout = aiohttp.ClientTimeout(total=seconds + listen, sock_connect=connect)
            if len(self._timeouts) < 100:
                self._timeouts[seconds, listen] = timeout
        return timeout


class _Request(aiohttp.ClientRequest):
    """A request whose body is written even when all tasks are cancelled: a program's end may cancel
    aiohttp's task before its first step, and no answer would ever come.
    """

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        response = await super().send(conn)
        writer = getattr(self, "_writer", None)
        if isinstance(writer, asyncio.Task):
            unlist(writer)
        return response


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending a DELETE again by itself when the connection breaks."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


async def _read_bounded(response: aiohttp.ClientResponse, request: Request) -> bytes:
    length = response.content_length
    if length is not None and length <= MAX_ANSWER and "Content-Encoding" not in response.headers:
        # aiohttp reads no more than the header says.
        return await response.content.read()
    pieces = []
    size = 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > MAX_ANSWER:
            # The rest isn't worth reading, so the connection can't be used again.
            response.close()
            raise InvalidResponseError(
                f"the answer is larger than {MAX_ANSWER} bytes",
                request=request.info,
                status=response.status,
            )
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _translated(error: BaseException, request: Request, timeout: float) -> RequestError:
    """Ours for one of aiohttp's; `retryable` where a repetition can't do anything twice."""
    info = request.info
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return APITimeoutError("no connection in time", request=info, retryable=True, sent=False)
    if isinstance(error, aiohttp.ClientSSLError):
        return APIConnectionError(
            f"no trusted connection to {_address(error)}: {_reason(error)}",
            request=info,
            sent=False,
            advice="Check the base URL, and this machine's certificates and clock.",
        )
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return APIConnectionError(
            f"the proxy refused with HTTP {error.status}",
            request=info,
            retryable=error.status >= 500,
            sent=False,
            advice="Check HTTPS_PROXY and its login, or leave the service out of it by NO_PROXY.",
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        what, check = f"no connection to {_address(error)}", "Check the network and the base URL."
        if isinstance(error, aiohttp.ClientProxyConnectionError):
            what, check = f"no connection to the proxy {_address(error)}", "Check HTTPS_PROXY."
        elif is_loopback(str(error.host)):
            check = "Start what listens there: akool simulator."
        return APIConnectionError(
            f"{what}: {_reason(error)}", request=info, retryable=True, sent=False, advice=check
        )
    safe = request.idempotency is Idempotency.SAFE
    if isinstance(error, TimeoutError):
        return APITimeoutError(f"no answer within {timeout:g} s", request=info, retryable=safe)
    if isinstance(error, aiohttp.ClientResponseError):
        return InvalidResponseError("the answer isn't HTTP", request=info, retryable=safe)
    return APIConnectionError(
        f"the connection broke: {type(error).__name__}", request=info, retryable=safe
    )


def _address(error: aiohttp.ClientConnectorError | aiohttp.ClientSSLError) -> str:
    """Where it was connected to, of an error that has it."""
    host, port = getattr(error, "host", None), getattr(error, "port", None)
    return f"{host}:{port}" if port is not None else str(host or "the service")


def _reason(error: aiohttp.ClientError) -> str:
    """Why, without addresses: aiohttp's own text names the whole configuration."""
    cause = _system_error(error)
    if isinstance(cause, ssl.CertificateError):
        return cause.verify_message
    if isinstance(cause, ssl.SSLError):
        return (cause.reason or "TLS failed").replace("_", " ").lower()
    if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
        return os.strerror(cause.errno)
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(cause or error).__name__


def _system_error(error: BaseException) -> Exception | None:
    """The system's own error in one of aiohttp's, where a connection wasn't made."""
    # An error of a certificate has the one name without having the other's value.
    found = getattr(error, "os_error", None) or getattr(error, "certificate_error", None)
    return found if isinstance(found, Exception) else None


def _cause(error: Exception) -> BaseException:
    """What the translated error came from, without what would hide it in a traceback.

    Of a connection that wasn't made, the system's own error: aiohttp's text names the whole
    configuration. Without the frames of aiohttp and asyncio, and without the request's headers.
    """
    cause: BaseException = _system_error(error) or error
    if isinstance(error, aiohttp.ClientResponseError):
        none: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())
        error.request_info = error.request_info._replace(headers=none)
        error.args = (error.request_info, ())
        error.history = ()
    cause.__cause__ = cause.__context__ = None
    return cause.with_traceback(None)
