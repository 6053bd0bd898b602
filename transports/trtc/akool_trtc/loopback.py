"""The loopback engine: joins a TRTC room of the simulator, over a websocket on this machine.

What goes over it is written down in `akool_async.simulator.loopback_wire`. The relay enforces
TRTC's limits with the web SDK's codes; this end stamps a packet when it is handed over and
reconnects by itself. A packet whose verdict was lost with the connection has failed (5500), as a
promise of the web SDK would.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections import deque
from typing import Final

import aiohttp

from akool_trtc.engine import CMD_ID, EngineError, EngineEvents, Room
from akool_trtc.errors import FAILED, NOT_ALLOWED

__all__ = ["LoopbackEngine"]

_STAMP: Final = struct.Struct(">dB")
_SENDER: Final = struct.Struct(">BB")
_FIRST_RETRY: Final = 0.05
_LAST_RETRY: Final = 1.0
_CLOSE_TIMEOUT: Final = 1.0


class LoopbackEngine:
    """An `Engine` over the simulator's relay.

    Args:
        base_url: the simulator's.
        give_up_after: seconds of trying to come back before the room counts as lost.
    """

    def __init__(self, base_url: str, *, give_up_after: float = 20.0) -> None:
        self._url = f"{base_url.rstrip('/')}/loopback/trtc"
        self._give_up_after = give_up_after
        self._http: aiohttp.ClientSession | None = None
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._stay: asyncio.Task[None] | None = None
        self._since = 0.0
        self._users: set[str] = set()
        self._verdicts: deque[asyncio.Future[int]] = deque()

    async def join(self, room: Room, events: EngineEvents) -> None:
        """Connects and enters as an anchor. See `Engine.join`."""
        self._http = aiohttp.ClientSession()
        try:
            self._ws, users = await self._enter(self._http, room)
        except (aiohttp.ClientError, ConnectionError) as error:
            await self.leave()
            raise EngineError(FAILED, "the simulator's relay can't be reached") from error
        except BaseException:
            await self.leave()
            raise
        self._meet(users, events)
        self._stay = asyncio.create_task(
            self._read_and_return(self._http, self._ws, room, events), name="trtc loopback"
        )

    async def send(self, packet: bytes) -> None:
        """Sends a packet and waits for the relay's verdict. See `Engine.send`."""
        loop = asyncio.get_running_loop()
        ws = self._ws
        if ws is None:
            raise EngineError(NOT_ALLOWED)
        verdict: asyncio.Future[int] = loop.create_future()
        self._verdicts.append(verdict)
        try:
            await ws.send_bytes(_STAMP.pack(loop.time() - self._since, CMD_ID) + packet)
        except ConnectionError as error:
            raise EngineError(FAILED) from error
        if code := await verdict:
            raise EngineError(code)

    async def leave(self) -> None:
        """Says so, and closes the websocket. See `Engine.leave`."""
        stay, self._stay = self._stay, None
        ws, self._ws = self._ws, None
        http, self._http = self._http, None
        self._users.clear()
        try:
            if stay is not None:
                stay.cancel()
                await asyncio.wait({stay})
            if ws is not None and not ws.closed:
                await ws.send_json({"do": "leave"})
                await _close(ws)
        except ConnectionError:
            pass  # it was gone already: nothing to say goodbye to
        finally:
            self._settle()
            if http is not None:
                await http.close()

    async def _enter(
        self, http: aiohttp.ClientSession, room: Room
    ) -> tuple[aiohttp.ClientWebSocketResponse, set[str]]:
        ws = await http.ws_connect(self._url, max_msg_size=1 << 20)
        try:
            self._since = asyncio.get_running_loop().time()
            await ws.send_json(
                {
                    "channel": room.room_id,
                    "room_kind": "string",
                    "identity": room.user_id,
                    "proof": room.user_sig,
                    "app_id": room.sdk_app_id,
                    "role": "anchor",
                }
            )
            message = await ws.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise ConnectionResetError("the relay closed the connection")
            answer = json.loads(message.data)
            if answer["event"] != "joined":
                raise EngineError(answer["code"], answer["message"])
        except BaseException:
            await _close(ws)
            raise
        return ws, set(answer["members"])

    async def _read_and_return(
        self,
        http: aiohttp.ClientSession,
        ws: aiohttp.ClientWebSocketResponse,
        room: Room,
        events: EngineEvents,
    ) -> None:
        while True:
            reason = await self._read(ws, events)
            self._ws = None
            self._settle()
            if reason is not None:
                events.disconnected(reason)
                return
            events.reconnecting()
            try:
                async with asyncio.timeout(self._give_up_after):
                    ws, users = await self._come_back(http, room)
            except (TimeoutError, EngineError):
                events.disconnected("network")
                return
            self._ws = ws
            events.reconnected()
            self._meet(users, events)

    async def _come_back(
        self, http: aiohttp.ClientSession, room: Room
    ) -> tuple[aiohttp.ClientWebSocketResponse, set[str]]:
        pause = _FIRST_RETRY
        while True:
            try:
                return await self._enter(http, room)
            except (aiohttp.ClientError, ConnectionError):
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LAST_RETRY)

    async def _read(self, ws: aiohttp.ClientWebSocketResponse, events: EngineEvents) -> str | None:
        """Hands on what comes until the end; its reason, or `None` where the connection broke."""
        async for message in ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                command, length = _SENDER.unpack_from(message.data)
                start = _SENDER.size + length
                if command == CMD_ID:
                    sender = message.data[_SENDER.size : start].decode()
                    events.packet(message.data[start:], sender)
            elif message.type is aiohttp.WSMsgType.TEXT:
                notice = json.loads(message.data)
                if "ack" in notice:
                    _resolve(self._verdicts, notice["ack"])
                elif notice["event"] == "disconnected":
                    return str(notice["code"])
                elif notice["event"] == "user_joined":
                    self._users.add(notice["identity"])
                    events.user_joined(notice["identity"])
                elif notice["event"] == "user_left":
                    self._users.discard(notice["identity"])
                    events.user_left(notice["identity"])
        return None

    def _meet(self, users: set[str], events: EngineEvents) -> None:
        """Tells who is there, and who went while the connection was broken."""
        for user_id in self._users - users:
            events.user_left(user_id)
        for user_id in users - self._users:
            events.user_joined(user_id)
        self._users = users

    def _settle(self) -> None:
        """The connection is gone: nobody will say what became of the packets on it."""
        while self._verdicts:
            _resolve(self._verdicts, FAILED)


async def _close(ws: aiohttp.ClientWebSocketResponse) -> None:
    """Bounded; a relay that doesn't answer is cut off."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await ws.close()


def _resolve(waiting: deque[asyncio.Future[int]], code: int) -> None:
    verdict = waiting.popleft()
    if not verdict.done():
        verdict.set_result(code)
