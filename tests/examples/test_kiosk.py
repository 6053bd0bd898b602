"""The kiosk with a scripted visitor, in a simulator's room."""

from __future__ import annotations

import asyncio
from types import ModuleType

import pytest
from livekit import rtc
from loading import load_example

from akool_async import AkoolClient, OwnLiveKitRoom
from akool_async.simulator import Simulator
from akool_async.simulator.rooms.livekit.tokens import API_KEY, API_SECRET
from akool_async.testing.waiting import until


@pytest.fixture
def kiosk(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load_example("kiosk")
    monkeypatch.setattr(module, "EMPTY", 0.5)
    monkeypatch.setattr(module, "PAUSE", 0.1)
    return module


class Visitor:
    """Comes to the screen and goes."""

    def __init__(self, room: OwnLiveKitRoom) -> None:
        self._own = room
        self._room: rtc.Room | None = None

    async def comes(self, name: str) -> None:
        self._room = rtc.Room()
        await self._room.connect(self._own.url, self._own.visitor_token(name=name))

    async def goes(self) -> None:
        assert self._room is not None
        await self._room.disconnect()
        self._room = None


@pytest.mark.real_clock
async def test_it_greets_says_goodbye_and_idles_without_a_session(
    kiosk: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Simulator(pace=0.01) as sim, AkoolClient("any", base_url=sim.url) as akool:
        url = sim.url.replace("http", "ws")
        room = OwnLiveKitRoom(name="kiosk", url=url, api_key=API_KEY, api_secret=API_SECRET)
        arrived = asyncio.Event()
        idle = 0

        async def arrival() -> None:
            nonlocal idle
            idle += 1
            assert sim.open_sessions == []
            await arrived.wait()
            arrived.clear()

        def said() -> list[str]:
            return [text for name in sim.sessions for text in sim.said(name)]

        running = asyncio.create_task(kiosk.run(akool, room, arrival))
        ada, ben = Visitor(room), Visitor(room)
        try:
            await until(lambda: idle == 1)
            sim.fail_next(path="*/session/create", code=1200)
            await ada.comes("Ada")
            arrived.set()
            await until(lambda: idle == 2)  # no avatar could be had: it looks again
            arrived.set()
            await until(lambda: "Welcome, Ada!" in said(), timeout=30)
            await ben.comes("Ben")
            await until(lambda: "Welcome, Ben!" in said(), timeout=30)
            await ada.goes()
            await until(lambda: "Goodbye, Ada!" in said(), timeout=30)
            assert idle == 2
            await ben.goes()
            await until(lambda: idle == 3, timeout=30)
            assert len(sim.sessions) == 1

            await ben.comes("Ben")
            arrived.set()
            await until(lambda: len(sim.open_sessions) == 1, timeout=30)
        finally:
            running.cancel()
            await asyncio.wait([running])
            await ben.goes()
        assert sim.open_sessions == []
        assert running.cancelled()
