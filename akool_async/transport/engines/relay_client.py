"""The client's end of a simulator's relay: rooms of vendors whose servers can't run here.

What goes over the websocket is written down in `akool_async.simulator.rooms.relay.wire`. The relay
enforces a vendor's limits with the vendor's codes; this end does what the vendor's SDK would: it
stamps a packet when it is handed over, and reconnects by itself. Each vendor's plugin has a
subclass.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import json
import struct
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

import aiohttp

from akool_async.transport.engines.transport import EngineError

__all__ = ["SENDER", "STAMP", "RelayEngine", "RelayEvents", "resolve"]

#: Before a member's packet: its clock in seconds since joining, and the command id.
STAMP: Final = struct.Struct(">dB")
#: Before a relayed packet: the command id, and the length of the sender's identity.
SENDER: Final = struct.Struct(">BB")
_FIRST_RETRY: Final = 0.05
_LAST_RETRY: Final = 1.0
_CLOSE_TIMEOUT: Final = 1.0


class RelayEvents(Protocol):
    """What all vendors' engines tell alike."""

    def packet(self, data: bytes, sender: str) -> None:
        """A packet from somebody in the room."""

    def user_joined(self, identity: str, /) -> None:
        """Somebody is in the room."""

    def user_left(self, identity: str, /) -> None:
        """They left."""


R = TypeVar("R")
V = TypeVar("V", bound=RelayEvents)


class RelayEngine(abc.ABC, Generic[R, V]):
    """An engine over the relay, for a vendor's room `R` and events `V`.

    Args:
        base_url: the simulator's.
        give_up_after: seconds of trying to come back before the room counts as lost.
    """

    #: The relay's path, and the command id of the avatar's packets.
    kind: ClassVar[str]
    command: ClassVar[int] = 0
    #: The vendor's codes: the relay can't be reached; a packet outside the room, or on a connection
    #: that breaks just then; a packet whose verdict was lost with the connection, 0 for "sent".
    unreachable: ClassVar[int]
    not_in_room: ClassVar[int]
    broke: ClassVar[int]
    verdict_lost: ClassVar[int]

    def __init__(self, base_url: str, *, give_up_after: float = 20.0) -> None:
        self._url = f"{base_url.rstrip('/')}/loopback/{self.kind}"
        self._give_up_after = give_up_after
        self._http: aiohttp.ClientSession | None = None
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._stay: asyncio.Task[None] | None = None
        self._since = 0.0
        self._users: set[str] = set()
        self._verdicts: deque[asyncio.Future[int]] = deque()

    @abc.abstractmethod
    def form(self, room: R) -> dict[str, Any]:
        """What the relay is told when joining."""

    @abc.abstractmethod
    def tell_reconnecting(self, events: V) -> None:
        """The connection broke."""

    @abc.abstractmethod
    def tell_reconnected(self, events: V) -> None:
        """It is back."""

    @abc.abstractmethod
    def tell_end(self, events: V, why: int | str | EngineError | None) -> None:
        """Out for good: by the relay's code, refused on coming back, or (`None`) never back."""

    def notice(self, notice: Mapping[str, Any], events: V) -> None:
        """A notice of the vendor's own; the default knows none."""
        del notice, events

    async def join(self, room: R, events: V) -> None:
        """Connects and joins. See the vendor's `Engine.join`."""
        self._http = aiohttp.ClientSession()
        try:
            self._ws, users = await self._enter(self._http, room)
        except (aiohttp.ClientError, ConnectionError) as error:
            await self.leave()
            raise EngineError(self.unreachable, "the simulator's relay can't be reached") from error
        except BaseException:
            await self.leave()
            raise
        self._meet(users, events)
        self._stay = asyncio.create_task(
            self._read_and_return(self._http, self._ws, room, events),
            name=f"{self.kind} loopback",
        )

    async def send(self, packet: bytes) -> None:
        """Sends a packet and waits for the relay's verdict. See the vendor's `Engine.send`."""
        loop = asyncio.get_running_loop()
        ws = self.connected()
        verdict: asyncio.Future[int] = loop.create_future()
        self._verdicts.append(verdict)
        try:
            await ws.send_bytes(STAMP.pack(loop.time() - self._since, self.command) + packet)
        except ConnectionError as error:
            raise EngineError(self.broke) from error
        if code := await verdict:
            raise EngineError(code)

    async def leave(self) -> None:
        """Says so, and closes the websocket. See the vendor's `Engine.leave`."""
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
            self.settle()
            if http is not None:
                await http.close()

    async def _enter(
        self, http: aiohttp.ClientSession, room: R
    ) -> tuple[aiohttp.ClientWebSocketResponse, set[str]]:
        ws = await http.ws_connect(self._url, max_msg_size=1 << 20)
        try:
            self._since = asyncio.get_running_loop().time()
            await ws.send_json(self.form(room))
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
        room: R,
        events: V,
    ) -> None:
        while True:
            why: int | str | EngineError | None = await self._read(ws, events)
            self._ws = None
            self.settle()
            if why is None:
                self.tell_reconnecting(events)
                try:
                    async with asyncio.timeout(self._give_up_after):
                        ws, users = await self._come_back(http, room)
                except TimeoutError:
                    pass  # never back: `why` stays None
                except EngineError as error:
                    why = error
                else:
                    self._ws = ws
                    self.tell_reconnected(events)
                    self._meet(users, events)
                    continue
            self.tell_end(events, why)
            return

    async def _come_back(
        self, http: aiohttp.ClientSession, room: R
    ) -> tuple[aiohttp.ClientWebSocketResponse, set[str]]:
        pause = _FIRST_RETRY
        while True:
            try:
                return await self._enter(http, room)
            except (aiohttp.ClientError, ConnectionError):
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LAST_RETRY)

    async def _read(
        self, ws: aiohttp.ClientWebSocketResponse, events: V
    ) -> int | str | EngineError | None:
        """Hands on what comes until the end; its code, or `None` where the connection broke."""
        async for message in ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                command, length = SENDER.unpack_from(message.data)
                start = SENDER.size + length
                if command == self.command:
                    sender = message.data[SENDER.size : start].decode()
                    events.packet(message.data[start:], sender)
            elif message.type is aiohttp.WSMsgType.TEXT:
                notice = json.loads(message.data)
                if "ack" in notice:
                    resolve(self._verdicts, notice["ack"])
                    continue
                event = notice["event"]
                if event == "disconnected":
                    code: int | str = notice["code"]
                    return code
                if event == "user_joined":
                    self._users.add(notice["identity"])
                    events.user_joined(notice["identity"])
                elif event == "user_left":
                    self._users.discard(notice["identity"])
                    events.user_left(notice["identity"])
                else:
                    self.notice(notice, events)
        return None

    def _meet(self, users: set[str], events: V) -> None:
        """Tells who is there, and who went while the connection was broken."""
        for identity in self._users - users:
            events.user_left(identity)
        for identity in users - self._users:
            events.user_joined(identity)
        self._users = users

    def settle(self) -> None:
        """The connection is gone: nobody will answer what was asked on it."""
        while self._verdicts:
            resolve(self._verdicts, self.verdict_lost)

    def connected(self) -> aiohttp.ClientWebSocketResponse:
        """The connection; `EngineError` outside the room."""
        if self._ws is None:
            raise EngineError(self.not_in_room)
        return self._ws


def resolve(waiting: deque[asyncio.Future[int]], code: int) -> None:
    """Gives the oldest that waits its verdict."""
    verdict = waiting.popleft()
    if not verdict.done():
        verdict.set_result(code)


async def _close(ws: aiohttp.ClientWebSocketResponse) -> None:
    """Bounded; a relay that doesn't answer is cut off."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await ws.close()
