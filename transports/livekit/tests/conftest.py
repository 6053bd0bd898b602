"""A room of the simulator's on a port of its own, seen from the avatar's end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Self

import pytest
import pytest_asyncio
from aiohttp import web

from akool_async.models.credentials import LiveKitCredentials
from akool_async.simulator.conditions import Conditions
from akool_async.simulator.livekit_room import LiveKitRoom
from akool_async.simulator.room import SimRoom
from akool_async.testing.conformance import FarSide
from akool_async.transport import JoinTarget


@dataclass
class Request:
    session_id: str = "5f1e"
    duration: float = 600.0
    credentials: None = None


class Events:
    """Notes what the room tells the avatar."""

    def __init__(self) -> None:
        self.here: list[str] = []
        self.gone: list[str] = []
        self.packets: list[tuple[bytes, str]] = []

    def joined(self, identity: str) -> None:
        self.here.append(identity)

    def left(self, identity: str) -> None:
        self.gone.append(identity)

    def packet(self, data: bytes, sender: str) -> None:
        self.packets.append((data, sender))


class SimulatedRoom(FarSide):
    """One `LiveKitRoom` on a server of its own."""

    def __init__(self, *, conditions: Conditions | None = None) -> None:
        self.events = Events()
        self.conditions = conditions or Conditions()
        self.sim: LiveKitRoom
        self.credentials: LiveKitCredentials
        self.own_room = False
        self.renewals = 0
        self.renewed: LiveKitCredentials | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes(LiveKitRoom.routes(self))
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self.sim = LiveKitRoom(
            Request(), self.events, base_url=self.url, conditions=self.conditions
        )
        self.credentials = LiveKitCredentials.model_validate(await self.sim.open())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.sim.close("closed")
        await self._runner.cleanup()

    # RoomDirectory

    def find(self, kind: str, session_id: str) -> SimRoom | None:
        return self.sim

    def of_kind(self, kind: str) -> Iterable[SimRoom]:
        return [self.sim]

    # FarSide

    @property
    def target(self) -> JoinTarget:
        return JoinTarget(
            self.credentials,
            own_room=self.own_room,
            renew_credentials=self._renew if self.renewed is not None else None,
        )

    @property
    def received(self) -> list[bytes]:
        return [data for data, _ in self.events.packets]

    async def send(self, packet: bytes) -> None:
        await self.sim.send(packet)

    async def end(self) -> None:
        await self.sim.close("closed")

    async def drop(self) -> None:
        await self.sim.fault("drop_socket")

    async def refuse(self) -> None:
        await self.sim.fault("expire_tokens")

    async def hang(self) -> None:
        await self.sim.fault("silent_join", seconds=8.0)

    async def fault(self, name: str, **options: Any) -> None:
        await self.sim.fault(name, **options)

    async def _renew(self) -> LiveKitCredentials:
        self.renewals += 1
        await asyncio.sleep(0)
        assert self.renewed is not None
        return self.renewed


@pytest_asyncio.fixture
async def room() -> AsyncIterator[SimulatedRoom]:
    async with SimulatedRoom() as room:
        yield room


@pytest.fixture
def make_room() -> type[SimulatedRoom]:
    return SimulatedRoom
