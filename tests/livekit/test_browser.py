"""A page with LiveKit's own browser client in a real Chromium, on another origin than the API.

It talks with the avatar by text, and sees and hears it where the simulator has media on.

Runs where Chromium is installed. `AKOOL_LIVEKIT_CLIENT` may name builds of the npm package
`livekit-client` (its `dist/livekit-client.umd.js`), several joined as in `PATH`: 2.23 and 2.15
begin signalling differently. Without it, npm gets one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from chromium import CLIENTS, NEEDS_A_BROWSER, browser, client_path

from akool_async.simulator import Media, Simulator

pytestmark = NEEDS_A_BROWSER


class Page:
    """A web server with the page on it, for what the page finds out."""

    def __init__(self, client: Path) -> None:
        self._client = client
        self.result: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """Its URL."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/livekit-client.js", self._script)
        app.router.add_post("/result", self._found)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
        finally:
            await runner.cleanup()

    async def _page(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(Path(__file__).with_name("browser_page.html"))

    async def _script(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(self._client, headers={"Content-Type": "text/javascript"})

    async def _found(self, request: web.Request) -> web.Response:
        self.result.set_result(await request.json())
        return web.Response()


@pytest.mark.parametrize("media", [False, True], ids=["text", "media"])
@pytest.mark.parametrize("client", CLIENTS, ids=lambda path: path and path.parent.parent.name)
async def test_a_page_on_another_origin_talks_with_the_avatar(
    client: Path | None, media: bool, tmp_path: Path
) -> None:
    file = client_path(client)
    # A microphone is published, too: a test tone, which isn't listened to here.
    face = Media(width=320, height=180, listen=None) if media else None
    async with Simulator(api_key="page-key", media=face) as sim:
        page = Page(file)
        async with (
            page.served() as url,
            browser(f"{url}?api={sim.url}&media={int(media)}", tmp_path),
        ):
            async with asyncio.timeout(120):
                result = await page.result
        if media:
            picture = result.pop("picture")
            assert picture.pop("seconds") > 0
            assert picture == {"width": 320, "height": 180}
            assert result.pop("loudness") > 0.01
        assert result == {"fromAvatar": True, "code": 1000, "reply": "You said: Hello 😀"}
        called = [(request.method, request.path.rsplit("/", 1)[1]) for request in sim.requests]
        assert called == [("POST", "create"), ("POST", "close")]
        assert sim.open_sessions == []
        assert sim.errors == []
