"""A simulator's session with its page, mounted into web applications as users do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
from aiohttp import web
from fastapi import FastAPI
from web_server import uvicorn_server

from akool_async import AkoolClient, AvatarSession, watch
from akool_async.simulator import Simulator

__all__ = ["AVATAR", "MOUNTS", "http_client", "page_socket", "session", "watched"]

AVATAR: Final = "dvp_Tristan_cloth2_1080P"
#: Where the page is: a port of its own, a part of an aiohttp or a FastAPI application, and the
#: whole of an ASGI server's.
MOUNTS: Final = ("serve", "aiohttp", "fastapi", "asgi")


@asynccontextmanager
async def session(**options: Any) -> AsyncIterator[AvatarSession]:
    """One conversation in a simulator's room."""
    async with (
        Simulator() as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, **options) as avatar,
    ):
        yield avatar


@asynccontextmanager
async def watched(
    avatar: AvatarSession, mount: str = "serve", **options: Any
) -> AsyncIterator[str]:
    """Serves the page in that way; gives a link to it."""
    if mount == "serve":
        async with watch.serve(avatar, **options) as link:
            yield link
        return
    page = watch.app(avatar, **options)
    if mount == "aiohttp":
        app = web.Application()
        app.add_subapp("/some/page/", page.aiohttp_app())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield page.link(f"http://127.0.0.1:{runner.addresses[0][1]}/some/page/")
        finally:
            await runner.cleanup()
        return
    whole: Any = page
    path = "/"
    if mount == "fastapi":
        whole, path = FastAPI(), "/some/page/"
        whole.mount("/some/page", page)
    async with uvicorn_server(whole) as url:
        yield page.link(url + path)


def http_client() -> aiohttp.ClientSession:
    """What a browser is here: it keeps cookies of 127.0.0.1."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


@asynccontextmanager
async def page_socket(link: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """The page's websocket, as a browser with that link opens it."""
    base = link.partition("?")[0]
    scheme, _, rest = base.partition("://")
    origin = f"{scheme}://{rest.partition('/')[0]}"
    async with http_client() as client:
        async with client.get(link) as answer:
            assert answer.status == 200, await answer.text()
        headers = {"Origin": origin}
        async with client.ws_connect(base + "events", headers=headers) as socket:
            yield socket
