"""The page in a real Chromium, steered by its DevTools protocol.

Runs where Chromium is installed and `AKOOL_LIVEKIT_CLIENT` names the file `livekit-client.umd.js`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from chromium import CLIENTS, NEEDS_A_BROWSER, browser

from akool_async import AkoolClient, watch
from akool_async.simulator import Simulator

#: Seconds; a browser on a busy machine takes its time.
TIMEOUT = 60.0
pytestmark = NEEDS_A_BROWSER


class Tab:
    """One page of a browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def value(self, expression: str) -> Any:
        """What an expression is in the page."""
        number = next(self._numbers)
        parameters = {"expression": expression, "returnByValue": True}
        await self._socket.send_json(
            {"id": number, "method": "Runtime.evaluate", "params": parameters}
        )
        while (answer := await self._socket.receive_json(timeout=TIMEOUT)).get("id") != number:
            pass
        return answer["result"]["result"].get("value")

    async def until(self, expression: str) -> None:
        """Returns once an expression is true in the page."""
        try:
            async with asyncio.timeout(TIMEOUT):
                while not await self.value(expression):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            shown = await self.value("document.body.innerText")
            raise AssertionError(f"{expression} isn't true; the page shows: {shown}") from None


@asynccontextmanager
async def tab(url: str, profile: Path) -> AsyncIterator[Tab]:
    """Chromium with that page open, and its first tab."""
    async with browser(url, profile, "--remote-debugging-port=0"):
        ports = profile / "DevToolsActivePort"
        async with asyncio.timeout(TIMEOUT):
            while not ports.exists() or "\n" not in ports.read_text():
                await asyncio.sleep(0.05)
        port = ports.read_text().split()[0]
        async with aiohttp.ClientSession() as http:
            async with http.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [one for one in await answer.json() if one["type"] == "page"]
            async with http.ws_connect(pages[0]["webSocketDebuggerUrl"]) as socket:
                yield Tab(socket)


async def test_a_person_talks_with_the_avatar(tmp_path: Path) -> None:
    async with (
        Simulator() as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session("dvp_Tristan_cloth2_1080P") as avatar,
        watch.serve(avatar, livekit_client=str(CLIENTS[0])) as link,
        tab(link, tmp_path / "first") as page,
    ):
        await page.until("document.getElementById('state')?.textContent === 'connected'")
        assert "ticket" not in await page.value("location.href")
        assert any(one.identity.startswith("visitor") for one in avatar.participants)
        question = json.dumps("<b>one</b>")
        await page.value(
            f"document.getElementById('text').value = {question};"
            "document.getElementById('form').requestSubmit()"
        )
        answer = json.dumps("You said: <b>one</b>")
        await page.until(f"document.getElementById('lines').innerText.includes({answer})")
        assert await page.value("document.querySelectorAll('#lines li').length") == 2
        await page.value("document.getElementById('end').click()")
        await page.until("document.getElementById('state').textContent.includes('over')")
        assert avatar.closed
        async with tab(link, tmp_path / "second") as stranger:
            await stranger.until("document.body?.innerText.includes('this link was used')")
