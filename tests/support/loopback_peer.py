"""A loopback room on its own, seen from the avatar's end: for Agora's and TRTC's tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from akool_async.models.credentials import AgoraCredentials, TRTCCredentials
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.rooms.relay.agora import AgoraRoom
from akool_async.simulator.rooms.relay.room import RelayRoom
from akool_async.simulator.rooms.relay.trtc import TRTCRoom
from akool_async.simulator.rooms.room import RoomDirectory, RoomRequest
from akool_async.testing.conformance import TIMEOUT, RemotePeer, until
from akool_async.transport import ConnectionChange, ConnectionState, JoinTarget, Transport
from akool_async.transport.engines import relay_wire
from akool_async.transport.engines.relay_client import RelayEngine

T = TypeVar("T", bound=Transport)
Relay = TypeVar("Relay", bound=RelayEngine[Any, Any])

ROOMS = {"agora": AgoraRoom, "trtc": TRTCRoom}
CREDENTIALS = {"agora": AgoraCredentials, "trtc": TRTCCredentials}
REFUSAL: dict[str, int] = {"agora": 8, "trtc": 5400}


@dataclass
class Events:
    """A `RoomEvents` that remembers."""

    packets: list[bytes] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    history: list[str] = field(default_factory=list)

    def joined(self, identity: str) -> None:
        self.present.append(identity)
        self.history.append(f"+{identity}")

    def left(self, identity: str) -> None:
        if identity in self.present:
            self.present.remove(identity)
        self.history.append(f"-{identity}")

    def renewed(self) -> None:
        """Nothing to note."""

    def packet(self, data: bytes, sender: str) -> None:
        self.packets.append(data)
        self.senders.append(sender)


class LoopbackPeer(RemotePeer):
    """One open room: its `room`, what it reported (`events`), and the credentials to join with."""

    def __init__(self, room: RelayRoom, events: Events, access: Mapping[str, Any]) -> None:
        self.room = room
        self.events = events
        self.access = dict(access)

    @property
    def target(self) -> JoinTarget:
        credentials = CREDENTIALS[self.room.kind].model_validate(self.access)
        return JoinTarget(credentials, session_id="s1")

    @property
    def received(self) -> list[bytes]:
        return self.events.packets

    async def send(self, packet: bytes) -> None:
        await self.room.send(packet)

    async def end(self) -> None:
        await self.room.close("closed")

    async def drop(self) -> None:
        await self.room.fault("drop_socket")

    async def refuse(self) -> None:
        await self.room.fault("refuse_joins", code=REFUSAL[self.room.kind])

    async def hang(self) -> None:
        await self.room.fault("hang")

    async def publish(self) -> None:
        self.room.publish()


@contextlib.asynccontextmanager
async def loopback_room(
    kind: str,
    *,
    conditions: NetworkConditions | None = None,
    own_room: Mapping[str, Any] | None = None,
    media: AvatarMedia | None = None,
) -> AsyncIterator[LoopbackPeer]:
    """A room of that kind on a server of its own."""
    directory, events = RoomDirectory(), Events()
    app = web.Application()
    app.add_routes(ROOMS[kind].routes(directory))
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    base_url = f"http://{host}:{port}"
    request = RoomRequest("s1", 60.0, kind, base_url, conditions or NetworkConditions(), own_room)
    room = ROOMS[kind](request, events)
    room.media = media
    try:
        access = await room.open()
        directory.add(room)
        yield LoopbackPeer(room, events, access)
    finally:
        await room.close("closed")
        await runner.cleanup()


class RecordedEvents:
    """An engine's events, of any vendor, remembered."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args: self.events.append((name, *args))

    async def wait(self, *event: object) -> None:
        await until(lambda: event in self.events, f"{event}")


@contextlib.asynccontextmanager
async def in_room(engine: Relay, room: object, events: RecordedEvents) -> AsyncIterator[Relay]:
    """The engine, joined; left at the end."""
    try:
        await engine.join(room, events)
        yield engine
    finally:
        await engine.leave()


@contextlib.asynccontextmanager
async def connected(transport: T) -> AsyncIterator[T]:
    """The transport, connected; closed at the end."""
    try:
        await transport.connect(timeout=TIMEOUT)
        yield transport
    finally:
        await transport.close()


async def next_change(transport: Transport, state: ConnectionState) -> ConnectionChange:
    """The next change to `state`; what comes before it is skipped."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            item = await transport.receive()
            if isinstance(item, ConnectionChange) and item.state is state:
                return item


def join_form(far: LoopbackPeer, **changes: Any) -> dict[str, Any]:
    """What a client says first to join the room."""
    access = far.access
    if far.room.kind == "agora":
        form = {
            "channel": access["agora_channel"],
            "identity": str(access["agora_uid"]),
            "credential": access["agora_token"],
            "app_id": access["agora_app_id"],
        }
    else:
        form = {
            "channel": access["trtc_room_id"],
            "room_kind": "string",
            "identity": access["trtc_user_id"],
            "credential": access["trtc_user_sig"],
            "app_id": access["trtc_app_id"],
            "role": "anchor",
        }
    return form | changes


@contextlib.asynccontextmanager
async def relay_client(
    far: LoopbackPeer, **changes: Any
) -> AsyncIterator[tuple[aiohttp.ClientWebSocketResponse, dict[str, Any]]]:
    """A websocket that has sent that, and the relay's answer; without an engine."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(far.room.base_url + far.room.path) as ws,
    ):
        await ws.send_json(join_form(far, **changes))
        yield ws, await ws.receive_json(timeout=10)


async def relay_ask(
    ws: aiohttp.ClientWebSocketResponse, packet: bytes, *, at: float = 0.0, command: int = 0
) -> int:
    """Sends a packet; the code that the relay answers."""
    await ws.send_bytes(relay_wire.pack_sent(at, command, packet))
    return int((await ws.receive_json(timeout=10))["ack"])
