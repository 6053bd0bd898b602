"""LiveKit rooms from the avatar's end: the simulator's own, and one of a real server."""

from __future__ import annotations

import asyncio
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import web
from forwarder import Forwarder
from pydantic import SecretStr

from akool_async.models.credentials import LiveKitCredentials
from akool_async.simulator.media.settings import Media
from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.rooms.livekit.room import LiveKitRoom
from akool_async.simulator.rooms.livekit_server.room import LiveKitServerRoom
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.simulator.rooms.room import RoomDirectory, RoomRequest
from akool_async.testing.conformance import RemotePeer
from akool_async.transport import JoinTarget

__all__ = ["Events", "LiveKitPeer", "ServerPeer", "SimulatedPeer"]


class Events:
    """Notes what the room reports to the avatar."""

    def __init__(self) -> None:
        self.here: list[str] = []
        self.gone: list[str] = []
        self.packets: list[tuple[bytes, str]] = []

    def joined(self, identity: str) -> None:
        self.here.append(identity)

    def left(self, identity: str) -> None:
        self.gone.append(identity)

    def renewed(self) -> None:
        """Nothing to note."""

    def packet(self, data: bytes, sender: str) -> None:
        self.packets.append((data, sender))


class LiveKitPeer(RemotePeer):
    """What both have: the room, what the avatar heard, and new tokens."""

    sim: LiveKitRoom | LiveKitServerRoom

    def __init__(self) -> None:
        self.events = Events()
        self.credentials: LiveKitCredentials
        self.own_room = False
        self.renewals = 0
        self.renewed: LiveKitCredentials | None = None

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

    async def fault(self, name: str, **options: Any) -> None:
        await self.sim.fault(name, **options)

    def with_token(self, token: str) -> LiveKitCredentials:
        """The credentials with another token."""
        return self.credentials.model_copy(update={"livekit_token": SecretStr(token)})

    def as_somebody(self, identity: str) -> JoinTarget:
        """To join under another identity."""
        return JoinTarget(self.with_token(self.sim.new_token(identity=identity)))

    async def _renew(self) -> LiveKitCredentials:
        self.renewals += 1
        await asyncio.sleep(0)
        assert self.renewed is not None
        return self.renewed


class SimulatedPeer(LiveKitPeer):
    """A `LiveKitRoom` on a port of its own."""

    sim: LiveKitRoom
    media: Media | None = None

    def __init__(self, *, conditions: NetworkConditions | None = None) -> None:
        super().__init__()
        self.conditions = conditions or NetworkConditions()

    async def __aenter__(self) -> Self:
        app = web.Application()
        directory = RoomDirectory(media=self.media)
        app.add_routes(LiveKitRoom.routes(directory))
        self._runner = web.AppRunner(app, shutdown_timeout=1.0, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self.sim = LiveKitRoom(
            RoomRequest("5f1e", 600.0, "livekit", self.url, self.conditions), self.events
        )
        directory.add(self.sim)
        self.credentials = LiveKitCredentials.model_validate(await self.sim.open())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.sim.close("closed")
        await self._runner.cleanup()

    async def drop(self) -> None:
        await self.sim.fault("drop_socket")

    async def refuse(self) -> None:
        await self.sim.fault("expire_tokens")

    async def hang(self) -> None:
        await self.sim.fault("silent_join", seconds=8.0)

    async def publish(self) -> None:
        self.sim.publish()


class ServerPeer(LiveKitPeer):
    """A `LiveKitServerRoom`; its client's signalling passes a forwarder that can break it."""

    sim: LiveKitServerRoom

    def __init__(self, server: LiveKitServer, session_id: str) -> None:
        super().__init__()
        self.server = server
        self._session_id = session_id

    async def __aenter__(self) -> Self:
        port = urlsplit(self.server.url).port
        assert port is not None
        self.forwarder = await Forwarder(port).__aenter__()
        self.sim = LiveKitServerRoom(
            RoomRequest(
                self._session_id, 600.0, "livekit", "http://127.0.0.1", NetworkConditions()
            ),
            self.events,
            server=self.server,
        )
        try:
            credentials = LiveKitCredentials.model_validate(await self.sim.open())
        except BaseException:
            await self.forwarder.__aexit__()
            raise
        url = f"ws://127.0.0.1:{self.forwarder.port}"
        self.credentials = credentials.model_copy(update={"livekit_url": url})
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.sim.close("closed")
        await self.forwarder.__aexit__()

    async def drop(self) -> None:
        self.forwarder.drop()

    async def refuse(self) -> None:
        self.credentials = self.with_token(self.sim.new_token(lifetime=-3600))

    async def hang(self) -> None:
        self.forwarder.silent = True
