"""The loopback engine: joins an Agora room of the simulator, over a websocket on this machine.

What goes over it is written down in `akool_async.simulator.loopback_wire`. The relay enforces
Agora's limits with Agora's codes; this end does what the SDK would: it stamps a packet when it is
handed over, reconnects by itself, and takes a packet that was on its way when the connection broke
as sent, since the stream is unreliable.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from akool_agora.engine import EngineError, EngineEvents, Room
from akool_agora.errors import INTERRUPTED, JOIN_FAILED, LOST, NOT_IN_CHANNEL

__all__ = ["LoopbackEngine"]

_STAMP: Final = struct.Struct(">dB")
_SENDER: Final = struct.Struct(">BB")
_REJOINED: Final = 15
_FIRST_RETRY: Final = 0.05
_LAST_RETRY: Final = 1.0
_CLOSE_TIMEOUT: Final = 1.0


class LoopbackEngine:
    """An `Engine` over the simulator's relay.

    Args:
        base_url: the simulator's.
        give_up_after: seconds of trying to come back before the channel counts as lost.
    """

    def __init__(self, base_url: str, *, give_up_after: float = 20.0) -> None:
        self._url = f"{base_url.rstrip('/')}/loopback/agora"
        self._give_up_after = give_up_after
        self._http: aiohttp.ClientSession | None = None
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._stay: asyncio.Task[None] | None = None
        self._since = 0.0
        self._users: set[str] = set()
        self._acks: deque[asyncio.Future[int]] = deque()
        self._renewals: deque[asyncio.Future[int]] = deque()

    async def join(self, room: Room, events: EngineEvents) -> None:
        """Connects and joins. See `Engine.join`."""
        self._http = aiohttp.ClientSession()
        try:
            self._ws, users = await self._enter(self._http, room)
        except (aiohttp.ClientError, ConnectionError) as error:
            await self.leave()
            raise EngineError(JOIN_FAILED, "the simulator's relay can't be reached") from error
        except BaseException:
            await self.leave()
            raise
        self._meet(users, events)
        self._stay = asyncio.create_task(
            self._read_and_return(self._http, self._ws, room, events), name="agora loopback"
        )

    async def send(self, packet: bytes) -> None:
        """Sends a packet and waits for the relay's verdict. See `Engine.send`."""
        loop = asyncio.get_running_loop()
        ws = self._ws
        if ws is None:
            raise EngineError(NOT_IN_CHANNEL)
        verdict: asyncio.Future[int] = loop.create_future()
        self._acks.append(verdict)
        try:
            await ws.send_bytes(_STAMP.pack(loop.time() - self._since, 0) + packet)
        except ConnectionError as error:
            raise EngineError(NOT_IN_CHANNEL) from error
        if code := await verdict:
            raise EngineError(code)

    async def renew_token(self, token: str) -> None:
        """Gives the relay a new token. See `Engine.renew_token`."""
        ws = self._ws
        if ws is None:
            raise EngineError(NOT_IN_CHANNEL)
        verdict: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._renewals.append(verdict)
        try:
            await ws.send_json({"do": "renew", "token": token})
        except ConnectionError as error:
            raise EngineError(NOT_IN_CHANNEL) from error
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
                    "channel": room.channel,
                    "identity": str(room.uid),
                    "proof": room.token,
                    "app_id": room.app_id,
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
            if reason is None:
                events.reconnecting(INTERRUPTED)
                try:
                    async with asyncio.timeout(self._give_up_after):
                        ws, users = await self._come_back(http, room)
                except TimeoutError:
                    reason = LOST
                except EngineError as error:
                    reason = error.code
                else:
                    self._ws = ws
                    events.reconnected(_REJOINED)
                    self._meet(users, events)
                    continue
            events.disconnected(reason)
            return

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

    async def _read(self, ws: aiohttp.ClientWebSocketResponse, events: EngineEvents) -> int | None:
        """Hands on what comes until the end; its reason, or `None` where the connection broke."""
        async for message in ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                _, length = _SENDER.unpack_from(message.data)
                start = _SENDER.size + length
                sender = message.data[_SENDER.size : start].decode()
                events.packet(message.data[start:], sender)
            elif message.type is aiohttp.WSMsgType.TEXT:
                notice = json.loads(message.data)
                if "ack" in notice:
                    _resolve(self._acks, notice["ack"])
                elif notice["event"] == "disconnected":
                    return int(notice["code"])
                else:
                    self._notice(notice, events)
        return None

    def _notice(self, notice: Mapping[str, Any], events: EngineEvents) -> None:
        event = notice["event"]
        if event == "user_joined":
            self._users.add(notice["identity"])
            events.user_joined(notice["identity"])
        elif event == "user_left":
            self._users.discard(notice["identity"])
            events.user_left(notice["identity"])
        elif event == "token_will_expire":
            events.token_will_expire(notice["seconds"])
        elif event == "renewed":
            _resolve(self._renewals, notice["code"])

    def _meet(self, users: set[str], events: EngineEvents) -> None:
        """Tells who is there, and who went while the connection was broken."""
        for uid in self._users - users:
            events.user_left(uid)
        for uid in users - self._users:
            events.user_joined(uid)
        self._users = users

    def _settle(self) -> None:
        """The connection is gone: nobody will answer what was asked on it."""
        while self._acks:
            _resolve(self._acks, 0)
        while self._renewals:
            _resolve(self._renewals, NOT_IN_CHANNEL)


async def _close(ws: aiohttp.ClientWebSocketResponse) -> None:
    """Bounded; a relay that doesn't answer is cut off."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await ws.close()


def _resolve(waiting: deque[asyncio.Future[int]], code: int) -> None:
    verdict = waiting.popleft()
    if not verdict.done():
        verdict.set_result(code)
