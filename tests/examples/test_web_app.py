"""The web app as a process of its own, with visitors over its websocket."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from chromium import CHROMIUM, client_path, tab
from running_command import until
from web_visitor import visitors

from akool_async.simulator import Simulator
from akool_async.simulator.rooms.livekit.tokens import API_KEY, API_SECRET


@pytest.fixture
def settings(akool_simulator: Simulator) -> dict[str, str]:
    return {
        "LIVEKIT_URL": akool_simulator.url.replace("http:", "ws:"),
        "LIVEKIT_API_KEY": API_KEY,
        "LIVEKIT_API_SECRET": API_SECRET,
        "WEB_APP_PLACES": "2",
    }


async def started(example: Any, settings: dict[str, str]) -> tuple[Any, str]:
    app = await example("web_app/main.py", "0", **settings)
    await app.printed("http://")
    await until(lambda: "startup complete" in app.errors or app.ended_already)
    return app, app.output.split()[-1]


async def test_places_a_line_and_the_end(
    example: Any, akool_simulator: Simulator, settings: dict[str, str]
) -> None:
    app, url = await started(example, settings)
    async with visitors(url) as come:
        first, second = await come(), await come()
        for one in (first, second):
            assert (await one.shown("token")).count(".") == 2
        rooms = {
            request.body["credentials"]["livekit_room_name"] for request in created(akool_simulator)
        }
        assert len(rooms) == 2

        third, fourth = await come(), await come()
        assert await third.shown("waiting") == 1
        assert await fourth.shown("waiting") == 2
        await first.socket.send_str("Hello?")
        assert await first.shown("text") == "You said: Hello?"
        assert len(akool_simulator.open_sessions) == 2

        third.kill()
        assert await fourth.shown("waiting") == 1
        first.kill()
        await fourth.shown("token")
        assert len(akool_simulator.open_sessions) == 2

        app.signal(signal.SIGTERM)
        assert await app.ended() == -signal.SIGTERM
    assert akool_simulator.open_sessions == []
    assert len(created(akool_simulator)) == 3
    assert "Traceback" not in app.errors
    for secret in (API_SECRET, "eyJ"):
        assert secret not in app.output + app.errors


async def test_strangers_and_an_avatar_that_cannot_come(
    example: Any, akool_simulator: Simulator, settings: dict[str, str]
) -> None:
    app, url = await started(example, settings)
    async with aiohttp.ClientSession() as client:
        async with client.get(url) as answer:
            assert "Talk with an avatar" in await answer.text()
        for headers in ({"Origin": "http://evil.example"}, {}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(f"{url}visit", headers=headers)
            assert refused.value.status == 403
    akool_simulator.fail_next(path="*/session/create", code=1200)
    async with visitors(url) as come:
        visitor = await come()
        assert "try again later" in await visitor.shown("over")
        assert await (await come()).shown("token")  # the place is free again
    await until(lambda: not akool_simulator.open_sessions)
    app.signal(signal.SIGTERM)
    await app.ended()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
async def test_a_browser_that_is_killed_ends_its_session(
    example: Any, akool_simulator: Simulator, settings: dict[str, str], tmp_path: Path
) -> None:
    """The page of the app itself, in a Chromium that is killed while it is in the room."""
    client = {"AKOOL_LIVEKIT_CLIENT": str(client_path())}
    app, url = await started(example, settings | client)
    async with tab(url, tmp_path) as page:
        await page.until("document.getElementById('start')?.disabled === false")
        await page.click("start")
        await page.until("document.getElementById('state').textContent === 'Connected'")
        await page.type("Hello?")
        await page.shows("You said: Hello?")
        assert len(akool_simulator.open_sessions) == 1
    await until(lambda: not akool_simulator.open_sessions)
    app.signal(signal.SIGTERM)
    assert await app.ended() == -signal.SIGTERM
    assert "Traceback" not in app.errors


def created(sim: Simulator) -> list[Any]:
    return [request for request in sim.requests if request.path.endswith("session/create")]
