"""Examples as whole programs over a real livekit-server: the web app under load, and the kiosk."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from livekit import api, rtc
from loading import load_example
from running_command import Command, sigint_for_children, until
from web_visitor import visitors

from akool_async import AkoolClient, OwnLiveKitRoom
from akool_async.simulator import Simulator
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer

pytestmark = [pytest.mark.livekit_server, pytest.mark.slow, pytest.mark.real_clock]
EXAMPLES = Path(__file__).parents[2] / "examples"
VISITORS = 20


def environment(server: LiveKitServer) -> dict[str, str]:
    return {
        "LIVEKIT_URL": server.websocket_url,
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": server.api_secret,
    }


async def test_twenty_visitors_in_twenty_rooms_and_none_is_left_open(
    server: LiveKitServer, python: Any
) -> None:
    async with Simulator(livekit=server) as sim:
        settings = {
            **os.environ,
            **environment(server),
            "PYTHONUNBUFFERED": "1",
            "AKOOL_API_URL": sim.url,
            "AKOOL_API_KEY": "any",
            "WEB_APP_PLACES": str(VISITORS),
        }
        with sigint_for_children():
            app = Command(await python(str(EXAMPLES / "web_app" / "main.py"), "0", env=settings))
            try:
                await app.printed("http://")
                await until(lambda: "startup complete" in app.errors or app.ended_already)
                await visit(sim, app.output.split()[-1])
                # Ten are in their rooms, and ten are opening theirs.
                async with visitors(app.output.split()[-1]) as come:
                    for _ in range(VISITORS // 2):
                        await come()
                    app.signal(signal.SIGTERM)
                    assert await app.ended() == -signal.SIGTERM
            finally:
                print(app.errors)  # shown where the test fails
                await app.stop()
        assert sim.open_sessions == []
        assert "Traceback" not in app.errors
        assert server.api_secret not in app.output + app.errors


async def visit(sim: Simulator, url: str) -> None:
    """All come at once, ask and get their answers; then some leave, and some are killed."""
    async with visitors(url) as come:
        everyone = [await come() for _ in range(VISITORS)]

        async def talk(number: int) -> None:
            assert await everyone[number].shown("token")
            await everyone[number].socket.send_str(f"I am {number}")
            assert await everyone[number].shown("text") == f"You said: I am {number}"

        await asyncio.gather(*(talk(number) for number in range(VISITORS)))
        assert len(sim.open_sessions) == VISITORS
        created = [one for one in sim.requests if one.path.endswith("session/create")]
        names = {one.body["credentials"]["livekit_room_name"] for one in created}
        assert len(names) == VISITORS

        late = await come()
        assert await late.shown("waiting") == 1
        for one in everyone[:5]:
            one.kill()
        assert await late.shown("token")
        for one in everyone[5:10]:
            await one.socket.close()
        await until(lambda: len(sim.open_sessions) == VISITORS - 9)
        for one in (*everyone[10:], late):
            one.kill()
    await until(lambda: not sim.open_sessions)


async def test_the_kiosk_finds_out_by_the_server_who_comes(
    server: LiveKitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk = load_example("kiosk")
    monkeypatch.setattr(kiosk, "EMPTY", 0.5)
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    async with (
        Simulator(livekit=server, pace=0.01) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        api.LiveKitAPI() as asking,
    ):
        room = OwnLiveKitRoom()
        presence = kiosk.Presence(room, asking)
        running = asyncio.create_task(kiosk.run(akool, room, presence.wait))
        ada = rtc.Room()
        try:
            await ada.connect(room.url, room.visitor_token(name="Ada"))
            await until(lambda: any("Welcome, Ada!" in sim.said(name) for name in sim.sessions))
            await ada.disconnect()
            await until(lambda: not sim.open_sessions)
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.wait([running])
            await ada.disconnect()
        assert len(sim.sessions) == 1
