from __future__ import annotations

import aiohttp
from aiohttp import web
from watched_page import page_socket, session

from akool_async import watch


async def test_browsers_are_sent_away_when_the_application_stops() -> None:
    async with session() as avatar:
        page = watch.app(avatar)
        runner = web.AppRunner(page.aiohttp_app(), access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        link = page.link(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        async with page_socket(link) as socket:
            assert (await socket.receive_json(timeout=20))["type"] == "hello"
            await runner.cleanup()
            while (message := await socket.receive(timeout=20)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
        assert not avatar.closed


async def test_what_is_no_text_or_too_long_is_not_read() -> None:
    async with session() as avatar, watch.serve(avatar) as link, page_socket(link) as socket:
        await socket.send_bytes(b"\xff")
        while (message := await socket.receive_json(timeout=20))["type"] != "problem":
            pass
        assert "understood" in message["text"]
        await socket.send_str("x" * 70_000)
        while (message := await socket.receive(timeout=20)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1009)
