"""The client's transport over real sockets: what goes wrong there, and what it becomes."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import gzip
import json
import socket
import ssl
import warnings
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from scripted import Scripted, drop, envelope

from akool_async import http
from akool_async.client import AkoolClient
from akool_async.errors import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    BusyError,
    ConfigurationError,
    InvalidParameterError,
    InvalidResponseError,
    QuotaError,
    RateLimitError,
)
from akool_async.http import ConnectionPool
from akool_async.rest.request import Idempotency, Request, get

pytestmark = pytest.mark.virtual_clock

READ = get("/api/open/x")
CREATE = Request("POST", "/api/open/x", {}, b"{}", Idempotency.UNLESS_DONE)


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


async def send(url: str, request: Request = READ, *, timeout: float = 10.0) -> Any:
    pool = ConnectionPool(url)
    try:
        return await pool.send(request, ("x-api-key", "key-0123456789"), timeout=timeout)
    finally:
        await pool.aclose()


async def test_a_request_as_the_service_wants_it(service: Scripted) -> None:
    body = Request("DELETE", "/api/open/x", {"a": "1 &"}, b'{"id":"5"}')
    answer = await send(service.url, body)
    asked = service.last
    assert (asked.method, asked.query, asked.json) == ("DELETE", {"a": "1 &"}, {"id": "5"})
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["Accept"] == "application/json"
    assert asked.headers["x-api-key"] == "key-0123456789"
    assert (answer.status, json.loads(answer.body)["code"]) == (200, 1000)
    assert answer.content_type.startswith("application/json")


async def test_a_refused_connection_was_never_sent(closed_port: int) -> None:
    with pytest.raises(APIConnectionError) as caught:
        await send(f"http://127.0.0.1:{closed_port}", CREATE)
    assert not caught.value.sent
    assert caught.value.retryable
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


async def test_a_host_without_address_was_never_sent() -> None:
    with pytest.raises(APIConnectionError) as caught:
        await send("https://service.invalid", CREATE)
    assert not caught.value.sent


async def test_a_certificate_no_one_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.read())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(APIConnectionError, match="no trusted connection") as caught:
            await send(f"https://localhost:{port}", READ)
    assert not caught.value.sent
    assert not caught.value.retryable
    assert heads == []


@pytest.mark.parametrize(("request_", "again"), [(READ, True), (CREATE, False)])
async def test_a_broken_connection_may_have_acted(
    service: Scripted, request_: Request, again: bool
) -> None:
    # aiohttp itself repeats a read once, when a connection that was kept is dropped.
    service.answer(drop, drop)
    with pytest.raises(APIConnectionError) as caught:
        await send(service.url, request_)
    assert caught.value.sent
    assert caught.value.retryable is again
    assert str(caught.value.request) == str(request_.info)


@pytest.mark.parametrize(("request_", "again"), [(READ, True), (CREATE, False)])
async def test_no_answer_in_time(service: Scripted, request_: Request, again: bool) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    service.answer(silent)
    with pytest.raises(APITimeoutError, match=r"within 0\.2 s") as caught:
        await send(service.url, request_, timeout=0.2)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.sent
    assert caught.value.retryable is again


async def test_a_body_that_never_ends_is_timed_out(service: Scripted) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)

    service.answer(drip)
    with pytest.raises(APITimeoutError):
        await send(service.url, timeout=0.3)


async def test_half_a_body_is_a_broken_connection(service: Scripted) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"code": 1000')
        assert request.transport is not None
        request.transport.close()
        return response

    service.answer(half)
    with pytest.raises(APIConnectionError) as caught:
        await send(service.url)
    assert caught.value.__cause__ is not None


async def test_what_is_not_http_is_reported_and_its_cause_holds_no_key() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(InvalidResponseError, match="isn't HTTP") as caught:
            await send(f"http://127.0.0.1:{port}")
    cause = caught.value.__cause__
    assert isinstance(cause, aiohttp.ClientResponseError)
    assert "key-0123456789" not in repr(cause)
    assert "key-0123456789" not in str(cause.args)


@pytest.mark.parametrize("length_told", [True, False])
async def test_ten_megabytes_are_refused(service: Scripted, length_told: bool) -> None:
    whole = b'{"code": 1000, "data": "' + b"x" * 10_000_000 + b'"}'

    async def huge(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Length": str(len(whole))} if length_told else {}
        )
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):  # the client had enough
            await response.write(whole)
        return response

    service.answer(huge)
    with pytest.raises(InvalidResponseError, match="larger than 8388608 bytes"):
        await send(service.url)


async def test_a_zip_bomb_is_refused(service: Scripted) -> None:
    packed = gzip.compress(b" " * 50_000_000)
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    service.answer(web.Response(body=packed, headers=headers))
    with pytest.raises(InvalidResponseError, match="larger than"):
        await send(service.url)


async def test_a_packed_answer_is_unpacked(service: Scripted) -> None:
    packed = gzip.compress(json.dumps(envelope({"x": 1})).encode())
    service.answer(web.Response(body=packed, headers={"Content-Encoding": "gzip"}))
    assert json.loads((await send(service.url)).body)["data"] == {"x": 1}


async def test_redirects_are_not_followed(service: Scripted) -> None:
    service.answer(web.Response(status=307, headers={"Location": f"{service.url}/elsewhere"}))
    assert (await send(service.url)).status == 307
    assert service.paths == ["/api/open/x"]


@pytest.mark.parametrize("value", ["5", "Fri, 31 Dec 2100 23:59:59 GMT"])
async def test_the_wish_to_wait_is_read(service: Scripted, value: str) -> None:
    service.answer(web.json_response(envelope(code=1005), headers={"Retry-After": value}))
    answer = await send(service.url)
    assert answer.retry_after is not None
    assert answer.retry_after >= 5


async def test_connections_are_kept_and_bounded(
    service: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 7)
    pool = ConnectionPool(service.url)
    try:
        for _ in range(3):
            await asyncio.gather(*(pool.send(READ, None, timeout=10) for _ in range(50)))
    finally:
        await pool.aclose()
    assert len(service.asked) == 150
    assert len(service.connections) <= 7


async def test_cookies_are_not_kept(service: Scripted) -> None:
    service.answer(web.json_response(envelope(), headers={"Set-Cookie": "a=1"}))
    # By name: aiohttp keeps no cookies of bare addresses anyway.
    pool = ConnectionPool(service.url.replace("127.0.0.1", "localhost"))
    try:
        await pool.send(READ, None, timeout=10)
        await pool.send(READ, None, timeout=10)
    finally:
        await pool.aclose()
    assert "Cookie" not in service.last.headers


class TestUsersOwnSession:
    async def test_it_is_used_and_never_closed(self, service: Scripted) -> None:
        service.otherwise = envelope({"count": 0, "result": []})
        async with aiohttp.ClientSession(headers={"X-Mine": "1"}) as mine:
            async with AkoolClient("key-0123456789", base_url=service.url, session=mine) as client:
                await client.avatars.list()
            assert service.last.headers["X-Mine"] == "1"
            assert not mine.closed
            with pytest.raises(ConfigurationError, match="client is closed"):
                await client.avatars.list()

    async def test_a_closed_one_is_reported(self, service: Scripted) -> None:
        mine = aiohttp.ClientSession()
        await mine.close()
        async with AkoolClient("key-0123456789", base_url=service.url, session=mine) as client:
            with pytest.raises(ConfigurationError, match="session= is closed"):
                await client.avatars.list()

    @pytest.mark.parametrize(
        ("status", "answer", "expected"),
        [
            (403, envelope(code=1006), QuotaError),
            (429, envelope(code=1005), RateLimitError),
            (401, envelope(code=1101), AuthenticationError),
            (502, envelope(code=1215), BusyError),
        ],
    )
    async def test_it_may_raise_for_status(
        self, service: Scripted, status: int, answer: Any, expected: type[Exception]
    ) -> None:
        service.otherwise = lambda request: _json(answer, status)
        async with aiohttp.ClientSession(raise_for_status=True) as session:
            client = AkoolClient(
                "a-key-01234", base_url=service.url, session=session, max_retries=0
            )
            with pytest.raises(expected):
                await client.languages.list()
            service.otherwise = lambda request: _json(envelope({"lang_list": []}), status)
            assert not await client.languages.list()

    async def test_a_login_of_its_own_is_refused(self, service: Scripted) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of aiohttp 3.14
            login = aiohttp.ClientSession(auth=aiohttp.BasicAuth("user", "pass"))
        header = aiohttp.ClientSession(headers={"authorization": "Bearer other"})
        for session in (login, header):
            async with session:
                client = AkoolClient("a-key-01234", base_url=service.url, session=session)
                with pytest.raises(ConfigurationError, match="login of its own"):
                    await client.languages.list()
        assert not service.asked

    def test_one_of_another_loop_is_refused(self) -> None:
        async def make() -> aiohttp.ClientSession:
            return aiohttp.ClientSession()

        async def use(session: aiohttp.ClientSession) -> None:
            client = AkoolClient("a-key-01234", base_url="http://127.0.0.1:1", session=session)
            try:
                with pytest.raises(ConfigurationError, match="another event loop"):
                    await client.languages.list()
            finally:
                await session.close()

        session = asyncio.run(make())
        asyncio.run(use(session))

    def test_what_is_no_session_is_refused(self) -> None:
        with pytest.raises(InvalidParameterError, match=r"isn't an aiohttp\.ClientSession"):
            AkoolClient("a-key-01234", session=object())  # type: ignore[arg-type]

    async def test_whatever_fails_inside_of_it_is_an_error_of_ours(self, service: Scripted) -> None:
        async def broken(request: Any, handler: Any) -> Any:
            raise LookupError("of a middleware")

        async with aiohttp.ClientSession(middlewares=[broken]) as session:
            client = AkoolClient("a-key-01234", base_url=service.url, session=session)
            with pytest.raises(APIConnectionError, match="LookupError"):
                await client.languages.list()


async def _json(answer: Any, status: int) -> web.Response:
    return web.json_response(answer, status=status)


async def test_used_after_closing_it_says_so(service: Scripted) -> None:
    client = AkoolClient("key-0123456789", base_url=service.url)
    await client.aclose()
    await client.aclose()
    assert client.closed
    with pytest.raises(ConfigurationError, match="client is closed"):
        await client.avatars.list()


def test_another_event_loop_is_reported() -> None:
    async def first() -> AkoolClient:
        async with Scripted().running() as service:
            service.answer(envelope({"count": 0, "result": []}))
            client = AkoolClient("key-0123456789", base_url=service.url)
            await client.avatars.list()
            return client

    async def second(client: AkoolClient) -> None:
        with pytest.raises(ConfigurationError, match="another event loop"):
            await client.avatars.list()

    client = asyncio.run(first())
    asyncio.run(second(client))
    asyncio.run(client.aclose())


class Proxy:
    """A proxy that notes what it is asked and refuses the way out."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(self.answer)
        await writer.drain()
        writer.close()


class TestProxies:
    async def test_the_environments_proxy_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        proxy = Proxy()
        server = await asyncio.start_server(proxy, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            monkeypatch.setenv("HTTPS_PROXY", f"http://user:p%40ssword@127.0.0.1:{port}")
            with pytest.raises(APIConnectionError, match="proxy refused with HTTP 403") as caught:
                await send("https://openapi.akool.com", CREATE)
        assert not caught.value.sent
        assert not caught.value.retryable
        (head,) = proxy.heads
        assert head.startswith("CONNECT openapi.akool.com:443 ")
        # user:p@ssword; and the key isn't for the proxy to see.
        assert "Proxy-Authorization: Basic dXNlcjpwQHNzd29yZA==" in head
        assert "key-0123456789" not in head
        assert "p@ssword" not in str(caught.value)
        assert "dXNlcjpwQHNzd29yZA" not in repr(caught.value.__cause__)

    async def test_no_proxy_is_honoured(
        self, monkeypatch: pytest.MonkeyPatch, closed_port: int
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port}")
        monkeypatch.setenv("NO_PROXY", "service.invalid")
        with pytest.raises(APIConnectionError, match=r"service\.invalid"):
            await send("https://service.invalid")
        monkeypatch.delenv("NO_PROXY")
        with pytest.raises(APIConnectionError, match=rf"127\.0\.0\.1:{closed_port}"):
            await send("https://service.invalid")

    async def test_loopback_needs_none(
        self, service: Scripted, monkeypatch: pytest.MonkeyPatch, closed_port: int
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
        assert (await send(service.url)).status == 200
