"""Mistakes with a client, and on the way to the service."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest
from mistakes import QUOTA, Rows, Try

import akool_async
from akool_async import AkoolClient

CREDENTIALS = (
    "The key or token is wrong, expired or of another account: copy it again from the account's "
    "API page. With client_id= and client_secret= the client gets new tokens by itself."
)
ROWS = Rows()
row = ROWS.row


# -- the client


@row(
    akool_async.AuthenticationError,
    f"1101: invalid authorization {QUOTA}. {CREDENTIALS}",
    api_key="k",
)
async def wrong_key(t: Try) -> None:
    async with AkoolClient("wrong", base_url=t.simulator.url) as akool:
        await akool.account.credits()


@row(
    akool_async.AuthenticationError,
    f"1101: invalid authorization {QUOTA}. {CREDENTIALS}",
    api_key="k",
)
async def token_expired(t: Try) -> None:
    async with AkoolClient(token="of last year", base_url=t.simulator.url) as akool:
        await akool.account.credits()


@row(
    akool_async.ConfigurationError,
    "No credentials: set AKOOL_API_KEY, or AKOOL_CLIENT_ID and AKOOL_CLIENT_SECRET, or give "
    "api_key=, token=, or client_id= and client_secret=",
)
async def no_credentials(t: Try) -> None:
    AkoolClient()


@row(
    akool_async.ConfigurationError,
    "client_secret is missing: give it, or set AKOOL_CLIENT_SECRET",
)
async def half_of_a_pair(t: Try) -> None:
    AkoolClient(client_id="a")


@row(akool_async.ConfigurationError, "Give one of api_key / token, not several")
async def key_and_token(t: Try) -> None:
    AkoolClient("a", token="b")


@row(
    akool_async.InvalidParameterError,
    "api_key: holds a character that an HTTP header can't (printable ASCII only)",
)
async def a_key_of_two_lines(t: Try) -> None:
    AkoolClient("a\nb")


@row(
    akool_async.ConfigurationError,
    "base_url is http://example.com, which would send the key in clear: use https (http is "
    "accepted for loopback addresses only)",
)
async def a_url_without_tls(t: Try) -> None:
    AkoolClient("a", base_url="http://example.com")


@row(
    RuntimeWarning,
    "an AkoolClient wasn't closed, so its connections stay open. Use `async with AkoolClient() as "
    "akool`, or `await akool.aclose()`",
)
async def client_without_async_with(t: Try) -> None:
    akool = AkoolClient("a", base_url=t.simulator.url)
    await akool.account.credits()
    session = akool._executor.pool._session
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del akool
        gc.collect()
    await session.close()
    raise next(one.message for one in caught if issubclass(one.category, RuntimeWarning))


@row(TypeError, "a client is closed asynchronously: write `async with AkoolClient()`")
async def with_a_client_in_place_of_async_with(t: Try) -> None:
    with AkoolClient("a", base_url=t.simulator.url):
        pass


@row(akool_async.ConfigurationError, "The client is closed")
async def a_closed_client(t: Try) -> None:
    await t.akool.aclose()
    await t.akool.account.credits()


@row(
    akool_async.ConfigurationError,
    "The client is used in another event loop than before: make one for each",
)
async def a_client_in_another_loop(t: Try) -> None:
    await t.akool.account.credits()
    await asyncio.to_thread(asyncio.run, _credits(t.akool))


async def _credits(akool: AkoolClient) -> object:
    return await akool.account.credits()


@row(
    RuntimeError,
    "an event loop is running already, as in a notebook: write `await main()` in place of "
    "`akool_async.run(main())`",
)
async def run_in_a_notebook(t: Try) -> None:
    akool_async.run(_credits(t.akool))


# -- reaching the service


async def _credits_at(url: str) -> None:
    async with AkoolClient("a", base_url=url, max_retries=0) as akool:
        await akool.account.credits()


@row(
    akool_async.APIConnectionError,
    f"no connection to 127.0.0.1:9: Connection refused {QUOTA}. Start what listens there: akool "
    "simulator.",
)
async def simulator_down(t: Try) -> None:
    await _credits_at("http://127.0.0.1:9")


@row(
    akool_async.APIConnectionError,
    f"no connection to nothing.invalid:443: * {QUOTA}. Check the network and the base URL.",
)
async def a_wrong_host(t: Try) -> None:
    await _credits_at("https://nothing.invalid")


@row(
    akool_async.APIConnectionError,
    f"no trusted connection to HOST: * {QUOTA}. Check the base URL, and this machine's "
    "certificates and clock.",
)
async def https_for_http(t: Try) -> None:
    await _credits_at(t.simulator.url.replace("http:", "https:"))


@row(
    akool_async.APIConnectionError,
    f"the proxy refused with HTTP 407 {QUOTA}. Check HTTPS_PROXY and its login, or leave the "
    "service out of it by NO_PROXY.",
)
async def proxy_refused(t: Try) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        await _through_proxy(server.sockets[0].getsockname()[1])


@row(
    akool_async.APIConnectionError,
    f"no connection to the proxy 127.0.0.1:9: Connection refused {QUOTA}. Check HTTPS_PROXY.",
)
async def proxy_down(t: Try) -> None:
    await _through_proxy(9)


async def _through_proxy(port: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        patch.delenv("NO_PROXY", raising=False)
        patch.delenv("no_proxy", raising=False)
        await _credits_at("https://api.invalid")
