from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from scripted import Scripted, drop, envelope

from akool_async.client import AkoolClient
from akool_async.errors import (
    APIConnectionError,
    APITimeoutError,
    BusyError,
    ConfigurationError,
    InvalidParameterError,
    InvalidResponseError,
    QuotaError,
    RateLimitError,
)

pytestmark = pytest.mark.virtual_clock

EMPTY = envelope({"count": 0, "result": []})
SESSION = envelope({"_id": "s1", "status": 1})
HTML = "<html>bad gateway</html>"


def html(status: int, **headers: str) -> web.Response:
    return web.Response(status=status, text=HTML, content_type="text/html", headers=headers)


def busy(code: int = 1215, status: int = 200, **headers: str) -> web.Response:
    return web.json_response(envelope(code=code), status=status, headers=headers)


async def read(client: AkoolClient) -> Any:
    return await client.avatars.list()


async def create(client: AkoolClient) -> Any:
    return await client.sessions.create("a")


async def close(client: AkoolClient) -> Any:
    return await client.sessions.close("s1")


async def silent(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


class TestRepeating:
    @pytest.mark.parametrize("call", [read, create, close])
    @pytest.mark.parametrize("code", [1005, 1214, 1215])
    async def test_a_service_that_did_not_act_is_asked_again(
        self, service: Scripted, client: AkoolClient, call: Callable[..., Any], code: int
    ) -> None:
        service.answer(envelope(code=code), envelope(code=code), SESSION)
        service.otherwise = SESSION
        await call(client)
        assert len(service.asked) == 3

    @pytest.mark.parametrize("call", [read, create, close])
    async def test_so_is_one_that_says_429(
        self, service: Scripted, client: AkoolClient, call: Callable[..., Any]
    ) -> None:
        service.answer(html(429), busy(77, status=429), SESSION)
        await call(client)
        assert len(service.asked) == 3

    @pytest.mark.parametrize("call", [read, close])
    @pytest.mark.parametrize("failure", ["drop", "silent", "502", "503", "500"])
    async def test_reads_and_closing_are_repeated_whatever_failed(
        self, service: Scripted, client: AkoolClient, call: Callable[..., Any], failure: str
    ) -> None:
        failing: Any = {"drop": drop, "silent": silent}.get(failure) or html(int(failure))
        service.answer(failing, SESSION)
        await call(client.with_options(timeout=0.5))
        assert len(service.asked) == 2

    @pytest.mark.parametrize(
        ("failure", "kind"),
        [
            (drop, APIConnectionError),
            (silent, APITimeoutError),
            (html(502), InvalidResponseError),
            (html(503, **{"Retry-After": "0"}), InvalidResponseError),
            (b'{"code": 1000, "data": {', InvalidResponseError),
        ],
    )
    async def test_what_may_have_been_paid_for_is_never_repeated(
        self, service: Scripted, client: AkoolClient, failure: Any, kind: type[Exception]
    ) -> None:
        service.answer(failure)
        service.otherwise = SESSION
        with pytest.raises(kind) as caught:
            await create(client.with_options(timeout=0.5))
        assert len(service.asked) == 1
        assert not getattr(caught.value, "retryable", True)

    async def test_where_nothing_was_sent_it_is_repeated(self) -> None:
        """The service begins to listen between the tries."""
        answer = b'{"code":1000,"data":{"_id":"s1"}}'
        heads: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
            await writer.drain()
            writer.close()

        reserved = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = reserved.sockets[0].getsockname()[1]
        reserved.close()
        await reserved.wait_closed()
        async with AkoolClient("key-0123456789", base_url=f"http://127.0.0.1:{port}") as client:
            patient = client.with_options(max_retries=100, backoff=0.05)
            creating = asyncio.ensure_future(patient.sessions.create("a"))
            await asyncio.sleep(0.05)
            assert not creating.done()
            async with await asyncio.start_server(serve, "127.0.0.1", port):
                session = await asyncio.wait_for(creating, 20)
        assert session.id == "s1"
        assert len(heads) == 1

    async def test_what_cannot_help_is_not_repeated(
        self, service: Scripted, client: AkoolClient
    ) -> None:
        service.otherwise = envelope(code=1006, msg="no quota")
        with pytest.raises(QuotaError):
            await read(client)
        assert len(service.asked) == 1

    async def test_tries_are_counted(self, service: Scripted, client: AkoolClient) -> None:
        service.otherwise = envelope(code=1215)
        with pytest.raises(BusyError):
            await read(client)
        assert len(service.asked) == 3
        with pytest.raises(BusyError):
            await read(client.with_options(max_retries=0))
        assert len(service.asked) == 4

    async def test_retry_after_is_waited_for(self, service: Scripted, client: AkoolClient) -> None:
        service.answer(busy(1005, **{"Retry-After": "1"}), EMPTY)
        began = asyncio.get_running_loop().time()
        await read(client)
        assert asyncio.get_running_loop().time() - began >= 0.99

    async def test_a_long_one_is_raised_at_once(
        self, service: Scripted, client: AkoolClient
    ) -> None:
        service.answer(busy(1005, **{"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}))
        with pytest.raises(RateLimitError) as caught:
            await read(client)
        assert caught.value.retry_after is not None
        assert caught.value.retry_after > 1e9
        assert len(service.asked) == 1

    async def test_cancelled_while_pausing_it_ends_at_once(
        self, service: Scripted, client: AkoolClient
    ) -> None:
        service.answer(busy(1005, **{"Retry-After": "50"}))
        call = asyncio.ensure_future(read(client))
        while not service.asked:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


class TestAnswers:
    @pytest.mark.parametrize(
        ("answer", "problem"),
        [
            (html(200), "text/html"),
            (b'{"code": 1000, "data": {"count"', "whole JSON"),
            (b"", "empty"),
            (b"{}", '"code"'),
            (envelope({"count": 1, "result": "none"}), "can't be read"),
            (envelope({"count": 1, "result": [5]}), "can't be read"),
            (envelope("text"), "can't be read"),
        ],
    )
    async def test_what_is_no_answer_is_a_clear_error(
        self, service: Scripted, client: AkoolClient, answer: Any, problem: str
    ) -> None:
        service.answer(answer)
        with pytest.raises(InvalidResponseError, match=problem) as caught:
            await read(client)
        assert str(caught.value.request) == "GET /api/open/v4/liveAvatar/avatar/list"

    async def test_a_session_without_an_id_is_no_session(
        self, service: Scripted, client: AkoolClient
    ) -> None:
        service.answer(envelope({"status": 1}))
        with pytest.raises(InvalidResponseError, match="can't be read"):
            await create(client)

    async def test_the_key_is_not_quoted_when_the_service_repeats_it(
        self, service: Scripted, client: AkoolClient
    ) -> None:
        key = "test-key-0123456789abcdef"
        service.answer(envelope(code=1006, msg=f"the key {key} has no quota"))
        with pytest.raises(QuotaError) as caught:
            await read(client)
        assert key not in f"{caught.value!r} {caught.value} {caught.value.message}"


class TestOptions:
    async def test_copies_share_connections(self, service: Scripted, client: AkoolClient) -> None:
        service.otherwise = EMPTY
        for _ in range(3):
            await read(client)
            await read(client.with_options(timeout=5))
        assert len(service.connections) == 1

    async def test_closing_a_copy_closes_nothing(
        self, service: Scripted, client: AkoolClient
    ) -> None:
        service.otherwise = EMPTY
        async with client.with_options(timeout=3) as copy:
            await read(copy)
        await read(client)
        assert not client.closed

    async def test_what_is_not_given_stays(self, client: AkoolClient) -> None:
        first = client.with_options(timeout=7, max_retries=9, retry_time=11, backoff=0.25)
        second = first.with_options(timeout=8)
        assert second._executor.timeout == 8
        assert second._executor.retry == first._executor.retry
        assert (first._executor.retry.max_retries, first._executor.retry.backoff) == (9, 0.25)
        assert first._executor.retry.retry_time == 11
        assert client._executor.timeout == 30

    @pytest.mark.parametrize(
        ("options", "field"),
        [
            ({"timeout": 0}, "timeout"),
            ({"timeout": -1}, "timeout"),
            ({"timeout": "5"}, "timeout"),
            ({"timeout": float("inf")}, "timeout"),
            ({"max_retries": -1}, "max_retries"),
            ({"max_retries": 1.5}, "max_retries"),
            ({"retry_time": -1}, "retry_time"),
            ({"backoff": -1}, "backoff"),
        ],
    )
    async def test_wrong_ones_are_refused(
        self, client: AkoolClient, options: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(InvalidParameterError) as caught:
            client.with_options(**options)
        assert caught.value.field == field

    @pytest.mark.parametrize("value", ["http://openapi.akool.com", "openapi.akool.com"])
    def test_a_base_url_in_clear_is_refused(
        self, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(ConfigurationError):
            AkoolClient("key", base_url=value)
        monkeypatch.setenv("AKOOL_API_URL", value)
        with pytest.raises(ConfigurationError):
            AkoolClient("key")

    def test_without_one_it_is_the_services(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AKOOL_API_URL", " ")
        assert AkoolClient("key").base_url == "https://openapi.akool.com"

    def test_made_and_thrown_away_it_leaves_nothing(self) -> None:
        AkoolClient("key")
        gc.collect()


async def test_the_real_service_is_asked_over_https(elsewhere: Callable[..., Any]) -> None:
    url = "https://openapi.akool.com/api/open/v4/liveAvatar/session/create"
    mocked = elsewhere("POST", url, payload=SESSION)
    async with AkoolClient("key-0123456789") as client:
        assert (await create(client)).id == "s1"
    ((_, asked),) = mocked.requests.items()
    assert asked[0].kwargs["headers"]["x-api-key"] == "key-0123456789"
    assert asked[0].kwargs["allow_redirects"] is False


async def test_two_hundred_calls_at_once(service: Scripted, client: AkoolClient) -> None:
    service.otherwise = EMPTY
    await asyncio.gather(*(read(client) for _ in range(200)))
    assert len(service.asked) == 200
    assert len(service.connections) <= 100


def test_importing_it_brings_nothing_heavy() -> None:
    unwanted = ("livekit", "websockets", "typer", "rich", "aiortc", "akool_async.simulator")
    code = f"import sys, akool_async; print([m for m in {unwanted} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
