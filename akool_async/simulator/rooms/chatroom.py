"""The legacy v3 chat room (docs/protocol.md §3): a websocket on the simulator's own port."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from aiohttp import WSMsgType, web

from akool_async.simulator.rooms.link import SimulatedLink
from akool_async.simulator.rooms.room import (
    MakeFault,
    RoomDirectory,
    RoomEvents,
    RoomRequest,
    SimRoom,
)
from akool_async.simulator.tasks import Tasks
from akool_async.stream.limits import Dialect

__all__ = ["ChatRoom"]

#: Largest frame taken from a client, in bytes. No limit is documented; the room has to have one.
MAX_FRAME: Final = 4 * 2**20

#: How long a client may take to take a frame or to answer a closing handshake, in seconds.
CLIENT_TIMEOUT: Final = 2.0

#: Numbers of rooms, as in `client_8898`; four digits, so no two rooms of a moment share one.
_NUMBERS: Final = itertools.count(secrets.randbelow(9000))

#: By which words the room is closed; the documents give none.
_FAREWELLS: Final = {"expired": "session timed out"}


class ChatRoom(SimRoom):
    """One room. Its URLs hold a name that can't be guessed, as the service's do.

    Faults (`fault(name, …)`):

    - `close(code=1011, reason="")`: closes every client's websocket with that code.
    - `drop_socket()`: their connections break without a closing handshake.
    - `refuse(status=503, times=1)`: the next joins are answered with that HTTP status.
    - `silent_join(times=1)`: the next joins are taken and never answered.
    - `freeze()`, `thaw()`: stops reading what the clients send, pings too, and goes on.
    - `big_frame(size=2**20)`: sends a text frame of that many bytes.
    - `binary(data=…)`, `not_json(text=…)`: sends a frame that isn't a message.
    """

    kind: ClassVar[str] = "chatroom"
    dialect: ClassVar[Dialect] = "v3"
    app_name: ClassVar[str] = "openapi_live"

    def __init__(self, request: RoomRequest, events: RoomEvents) -> None:
        super().__init__(request, events)
        number = 1000 + next(_NUMBERS) % 9000
        self.client_id = f"client_{number}"
        self.server_id = f"server_{number}"
        stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S%f")[:17]
        self.stream_name = f"{stamp}_{number}"
        self._members: set[_Member] = set()
        self._over = asyncio.Event()
        self._joins: list[int | None] = []
        self._link = SimulatedLink(self.conditions, reliable=False)
        self._late = Tasks()

    @classmethod
    def routes(cls, rooms: RoomDirectory) -> Iterable[web.RouteDef]:
        """`/final_STREAM/client_NNNN.chat`."""

        async def enter(request: web.Request) -> web.StreamResponse:
            stream = request.match_info["stream"]
            for room in rooms.of_kind(cls.kind):
                if isinstance(room, cls) and room.stream_name == stream:
                    return await room.enter(request, request.match_info["name"])
            raise web.HTTPNotFound

        return [web.get("/final_{stream}/{name}.chat", enter, allow_head=False)]

    async def open(self) -> dict[str, Any]:
        """Returns `stream_urls`; with stream type agora also what the video is joined with."""
        web_socket = self.base_url.replace("http", "ws", 1)
        video = f"{self.base_url}/final_{self.app_name}/{self.stream_name}.flv"
        urls: dict[str, Any] = {
            "client_pull_stream_url": video,
            "client_push_stream_url": f"{self.base_url}/{self.app_name}/{self.stream_name}.whip",
            "client_chat_room_url": f"{web_socket}/final_{self.stream_name}/{self.client_id}.chat",
            "server_chat_room_url": f"{web_socket}/final_{self.stream_name}/{self.server_id}.chat",
        }
        if self.request.stream_type == "agora":
            urls["agora_app_id"] = secrets.token_hex(16)
            urls["agora_channel"] = self.stream_name
            urls["agora_token"] = f"007{secrets.token_urlsafe(64)}"
        return urls

    async def enter(self, request: web.Request, name: str) -> web.StreamResponse:
        """A client opens its URL. The avatar's own URL is refused: the avatar is in the room."""
        if self._over.is_set():
            raise web.HTTPNotFound
        if name != self.client_id:
            raise web.HTTPForbidden if name == self.server_id else web.HTTPNotFound
        if self._joins:
            status = self._joins.pop(0)
            if status is not None:
                return web.Response(status=status)
            await self._over.wait()
            raise web.HTTPNotFound
        socket = web.WebSocketResponse(
            max_msg_size=MAX_FRAME, compress=False, timeout=CLIENT_TIMEOUT
        )
        await socket.prepare(request)
        transport = request.transport
        if transport is None:  # gone already
            return socket
        member = _Member(socket, transport)
        self._members.add(member)
        self.events.joined(name)
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._hear(frame.data.encode(), name)
                elif frame.type is WSMsgType.BINARY:
                    self._hear(frame.data, name)
        finally:
            self._members.discard(member)
            self.events.left(name)
        return socket

    async def send(self, packet: bytes) -> None:
        """See `SimRoom.send`. A client that takes nothing for two seconds is dropped."""
        if self.conditions.perfect:
            await self._send_now(packet)
            return
        name = f"chatroom-{self.client_id}"
        self._link.carry(lambda: self._late.spawn(self._send_now(packet), name))

    async def close(self, reason: str) -> None:
        """See `SimRoom.close`. Closes with code 1000; later joins are answered with HTTP 404."""
        self._over.set()
        self._link.close()
        await self._late.stop()
        await self._close_all(1000, _FAREWELLS.get(reason, f"session {reason}"))

    # -- delivering

    def _hear(self, data: bytes, name: str) -> None:
        self._link.carry(lambda: self.events.packet(data, name))

    async def _send_now(self, packet: bytes) -> None:
        for member in tuple(self._members):
            await member.send(packet)

    # -- faults

    @property
    def faults(self) -> Mapping[str, MakeFault]:
        """See the class."""
        return {
            "close": self._close_all,
            "drop_socket": self._drop_socket,
            "refuse": self._refuse,
            "silent_join": self._silent_join,
            "freeze": self._freeze,
            "thaw": self._thaw,
            "big_frame": self._big_frame,
            "binary": self._binary,
            "not_json": self._not_json,
        }

    async def _close_all(self, code: int = 1011, reason: str = "") -> None:
        await asyncio.gather(*(member.close(code, reason) for member in tuple(self._members)))

    def _drop_socket(self) -> None:
        for member in tuple(self._members):
            member.transport.abort()

    def _refuse(self, status: int = 503, times: int = 1) -> None:
        self._joins.extend([status] * times)

    def _silent_join(self, times: int = 1) -> None:
        self._joins.extend([None] * times)

    def _freeze(self) -> None:
        for member in self._members:
            member.frozen = True
            member.transport.pause_reading()

    def _thaw(self) -> None:
        for member in self._members:
            member.frozen = False
            member.transport.resume_reading()

    async def _big_frame(self, size: int = 2**20) -> None:
        await self._send_now(b"x" * size)

    async def _binary(self, data: bytes = b"\x00\xff\x00") -> None:
        for member in tuple(self._members):
            await member.send(data, binary=True)

    async def _not_json(self, text: str = "hello?") -> None:
        await self._send_now(text.encode())


class _Member:
    """One websocket of a client."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self.socket = socket
        self.transport = transport
        self.frozen = False

    async def send(self, packet: bytes, *, binary: bool = False) -> None:
        kind = WSMsgType.BINARY if binary else WSMsgType.TEXT
        # The reader reports a connection that breaks now.
        with contextlib.suppress(ConnectionError):
            try:
                async with asyncio.timeout(CLIENT_TIMEOUT):
                    await self.socket.send_frame(packet, kind)
            except TimeoutError:
                self.transport.abort()

    async def close(self, code: int, reason: str) -> None:
        if self.frozen:
            self.transport.abort()  # its answer wouldn't be read
            return
        await self.socket.close(code=code, message=reason.encode())
