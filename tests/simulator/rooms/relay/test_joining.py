from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from akool_async.simulator.rooms.relay import joining
from akool_async.simulator.rooms.relay.joining import Refused, first_frame
from akool_async.transport.engines import relay_wire


def test_a_refusal_is_the_relays_answer() -> None:
    refused = Refused(8, "this token isn't for this channel")
    assert refused.to_dict() == relay_wire.refused(8, "this token isn't for this channel")


async def first(send: Any) -> dict[str, Any]:
    """What a room reads of a connection on which `send(ws)` was called."""
    found: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    async def handle(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        found.set_result(await first_frame(ws))
        await ws.close()
        return ws

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with aiohttp.ClientSession() as http, http.ws_connect(url) as ws:
            await send(ws)
            async with asyncio.timeout(20):
                return await found
    finally:
        await runner.cleanup()


async def test_the_first_frame_says_what_to_join() -> None:
    form = {"channel": "c", "identity": "7"}
    assert await first(lambda ws: ws.send_json(form)) == form


@pytest.mark.parametrize("text", ["hello", "[1]", ""])
async def test_what_says_nothing_is_empty(text: str) -> None:
    assert await first(lambda ws: ws.send_str(text)) == {}
    assert await first(lambda ws: ws.send_bytes(text.encode())) == {}


async def test_a_connection_that_stays_silent_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(joining, "HELLO_TIMEOUT", 0.05)
    assert await first(lambda ws: asyncio.sleep(0)) == {}


async def test_nor_is_one_that_closes() -> None:
    assert await first(lambda ws: ws.close()) == {}
