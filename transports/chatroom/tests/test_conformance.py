"""The conformance suite over real websockets: the simulator's chat room behind aiohttp."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
from aiohttp import web
from akool_chatroom import ChatRoomTransport
from pydantic import SecretStr

from akool_async.models.credentials import ChatRoomCredentials
from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.rooms.chatroom import ChatRoom
from akool_async.simulator.rooms.room import RoomDirectory, RoomRequest
from akool_async.testing.conformance import RemotePeer, TransportConformance
from akool_async.transport import JoinTarget

OFTEN = 100  # joins that a fault lasts for


class SimulatedPeerSide(RemotePeer):
    """A `ChatRoom` on a port of its own; it is its avatar and its simulator."""

    def __init__(self) -> None:
        self._received: list[bytes] = []
        self._runner = web.AppRunner(web.Application(), access_log=None, shutdown_timeout=1.0)
        self._rooms = RoomDirectory()
        self._runner.app.add_routes(ChatRoom.routes(self._rooms))

    async def open(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        request = RoomRequest("s1", 60.0, "flv", base_url, NetworkConditions())
        self._room = ChatRoom(request, self)
        self._rooms.add(self._room)
        urls = await self._room.open()
        credentials = ChatRoomCredentials(
            client_chat_room_url=SecretStr(urls["client_chat_room_url"]),
            server_chat_room_url=SecretStr(urls["server_chat_room_url"]),
            client_id=self._room.client_id,
            server_id=self._room.server_id,
        )
        self._target = JoinTarget(credentials, session_id="s1")

    async def close(self) -> None:
        await self._room.close("closed")
        await self._runner.cleanup()

    # RoomEvents

    def joined(self, identity: str) -> None:
        pass

    def left(self, identity: str) -> None:
        pass

    def packet(self, data: bytes, sender: str) -> None:
        self._received.append(data)

    def renewed(self) -> None:
        pass

    # RemotePeer

    @property
    def target(self) -> JoinTarget:
        return self._target

    @property
    def received(self) -> list[bytes]:
        return self._received

    async def send(self, packet: bytes) -> None:
        await self._room.send(packet)

    async def end(self) -> None:
        await self._room.close("closed")

    async def drop(self) -> None:
        await self._room.fault("drop_socket")

    async def refuse(self) -> None:
        await self._room.fault("refuse", status=403, times=OFTEN)

    async def hang(self) -> None:
        await self._room.fault("silent_join", times=OFTEN)


class TestChatRoom(TransportConformance):
    transport = ChatRoomTransport
    options: ClassVar[dict[str, Any]] = {"reconnect_delay": 0.01}

    @pytest.fixture
    async def room(self) -> AsyncIterator[RemotePeer]:
        room = SimulatedPeerSide()
        await room.open()
        yield room
        await room.close()
