"""The member's end of a simulator's relay (`relay_wire`): an engine for rooms on this machine.

It does what the vendor's SDK would: it stamps a packet when it is handed over, and reconnects by
itself. Each vendor's plugin has a subclass.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

import aiohttp

from akool_async.concurrency import Backoff
from akool_async.errors import JoinError
from akool_async.transport.engines import relay_wire
from akool_async.transport.engines.engine import EngineError
from akool_async.transport.engines.relay_media import RelayMedia
from akool_async.transport.engines.relay_streams import CLOSE_TIMEOUT, close, release
from akool_async.transport.file_limit import is_file_limit

__all__ = ["RelayEngine", "RelayEvents", "resolve"]

_FIRST_RETRY: Final = 0.1
_LAST_RETRY: Final = 1.0
#: Frames that are handed on before the event loop gets a turn.
_FRAMES_PER_TURN: Final = 100


class RelayEvents(Protocol):
    """The events that all vendors' engines have."""

    def packet(self, data: bytes, sender: str) -> None:
        """A packet of `sender`."""

    def user_joined(self, identity: str, /) -> None:
        """Another participant is in the room."""

    def user_left(self, identity: str, /) -> None:
        """It left."""

    def user_published(self, identity: str, /) -> None:
        """It publishes audio or video."""

    def user_unpublished(self, identity: str, /) -> None:
        """It publishes neither any more."""


R = TypeVar("R")
V = TypeVar("V", bound=RelayEvents)


class RelayEngine(abc.ABC, Generic[R, V]):
    """An engine over the relay, for a vendor's room `R` and events `V`.

    Args:
        base_url: the simulator's.
        give_up_after: seconds of trying to come back before the room counts as lost.

    Attributes:
        media: its audio and video.
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
        self._url = relay_wire.url(base_url, self.kind)
        #: Whether the relay reports who publishes; known once joined.
        self.reports_tracks = False
        self._give_up_after = give_up_after
        self._http: aiohttp.ClientSession | None = None
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        #: Reads, and reconnects.
        self._supervisor: asyncio.Task[None] | None = None
        self._since = 0.0
        self._users: set[str] = set()
        self._publishing: set[str] = set()
        self._verdicts: deque[asyncio.Future[int]] = deque()
        self._request: relay_wire.JoinRequest | None = None
        self.media = RelayMedia(relay_wire.media_url(base_url, self.kind), lambda: self._request)

    @abc.abstractmethod
    def join_request(self, room: R) -> relay_wire.JoinRequest:
        """What the relay is sent to join `room`."""

    @abc.abstractmethod
    def report_reconnecting(self, events: V) -> None:
        """The connection broke."""

    @abc.abstractmethod
    def report_reconnected(self, events: V) -> None:
        """It is back."""

    @abc.abstractmethod
    def report_end(self, events: V, why: int | str | EngineError | None) -> None:
        """Out for good: by the relay's code, refused on coming back, or (`None`) never back."""

    def notice(self, notice: Mapping[str, Any], events: V) -> None:
        """A notice of the vendor's own; the default knows none."""
        del notice, events

    async def join(self, room: R, events: V) -> None:
        """Connects and joins. See the vendor's `Engine.join`."""
        await self.leave()
        http = self._http = aiohttp.ClientSession()
        try:
            ws, answer = await self._enter(http, room)
        except BaseException as error:
            await self.leave()
            await http.close()  # also where leave() was called before this and has forgotten it
            if is_file_limit(error):
                raise JoinError(
                    "this process can't open any more files, so the simulator's relay can't be "
                    "reached: raise the limit (ulimit -n)"
                ) from error
            if isinstance(error, aiohttp.ClientError | ConnectionError):
                raise EngineError(
                    self.unreachable, "the simulator's relay can't be reached"
                ) from error
            raise
        if self._http is not http:  # leave() was called meanwhile
            await close(ws)
            await http.close()
            raise EngineError(self.not_in_room)
        self._ws = ws
        self._request = self.join_request(room)
        self._meet(answer, events)
        self._supervisor = asyncio.create_task(
            self._supervise(http, ws, room, events), name=f"{self.kind} relay"
        )

    async def send(self, packet: bytes) -> None:
        """Sends a packet and waits for the relay's verdict. See the vendor's `Engine.send`."""
        loop = asyncio.get_running_loop()
        ws = self.connected()
        verdict: asyncio.Future[int] = loop.create_future()
        self._verdicts.append(verdict)
        try:
            await ws.send_bytes(
                relay_wire.pack_sent(loop.time() - self._since, self.command, packet)
            )
        except ConnectionError as error:
            raise EngineError(self.broke) from error
        if code := await verdict:
            raise EngineError(code)

    async def leave(self) -> None:
        """Announces it and closes the websocket. See the vendor's `Engine.leave`."""
        supervisor, self._supervisor = self._supervisor, None
        ws, self._ws = self._ws, None
        http, self._http = self._http, None
        self._users.clear()
        self._publishing.clear()
        self._request = None
        try:
            if supervisor is not None:
                supervisor.cancel()
                await asyncio.wait({supervisor})
            if ws is not None and not ws.closed:
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await ws.send_json({"do": "leave"})
                await close(ws)
        except (ConnectionError, TimeoutError):
            pass  # it is gone, or doesn't read
        finally:
            self.settle()
            if ws is not None:
                release(ws)
            if http is not None:
                await http.close()

    async def _enter(
        self, http: aiohttp.ClientSession, room: R
    ) -> tuple[aiohttp.ClientWebSocketResponse, dict[str, Any]]:
        ws = await http.ws_connect(self._url, max_msg_size=relay_wire.MAX_FRAME)
        try:
            self._since = asyncio.get_running_loop().time()
            await ws.send_json(self.join_request(room).to_dict())
            message = await ws.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise ConnectionResetError("the relay closed the connection")
            answer = relay_wire.read_object(message.data)
            if answer.get("event") != "joined":
                raise EngineError(
                    answer.get("code", self.unreachable), str(answer.get("message", ""))
                )
        except BaseException:
            await close(ws)
            raise
        return ws, answer

    async def _supervise(
        self,
        http: aiohttp.ClientSession,
        ws: aiohttp.ClientWebSocketResponse,
        room: R,
        events: V,
    ) -> None:
        """Reads, and reconnects when the connection breaks, until the end of the room."""
        while True:
            why: int | str | EngineError | None = await self._read(ws, events)
            self._ws = None
            self.settle()
            if why is None:
                await close(ws)
                self.report_reconnecting(events)
                try:
                    async with asyncio.timeout(self._give_up_after):
                        ws, answer = await self._come_back(http, room)
                except TimeoutError:
                    pass  # never back: `why` stays None
                except EngineError as error:
                    why = error
                else:
                    self._ws = ws
                    self.report_reconnected(events)
                    self._meet(answer, events)
                    continue
            self.report_end(events, why)
            await close(ws)
            return

    async def _come_back(
        self, http: aiohttp.ClientSession, room: R
    ) -> tuple[aiohttp.ClientWebSocketResponse, dict[str, Any]]:
        backoff = Backoff(_FIRST_RETRY, _LAST_RETRY)
        while True:
            try:
                return await self._enter(http, room)
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(backoff.pause())

    async def _read(
        self, ws: aiohttp.ClientWebSocketResponse, events: V
    ) -> int | str | EngineError | None:
        """Hands on what comes until the end; its code, or `None` where the connection broke."""
        count = 0
        async for message in ws:
            count += 1
            if count % _FRAMES_PER_TURN == 0:
                await asyncio.sleep(0)
            if message.type is aiohttp.WSMsgType.BINARY:
                with contextlib.suppress(ValueError):
                    packet = relay_wire.unpack_relayed(message.data)
                    if packet.command == self.command:
                        events.packet(packet.payload, packet.sender)
            elif message.type is aiohttp.WSMsgType.TEXT:
                notice = relay_wire.read_object(message.data)
                if "ack" in notice:
                    resolve(self._verdicts, notice["ack"])
                elif notice.get("event") == "disconnected":
                    code: int | str = notice["code"]
                    return code
                else:
                    self._notice(notice, events)
        return None

    def _notice(self, notice: Mapping[str, Any], events: V) -> None:
        identity = notice.get("identity", "")
        match notice.get("event"):
            case "user_joined":
                self._users.add(identity)
                events.user_joined(identity)
            case "user_left":
                self._users.discard(identity)
                self._publishing.discard(identity)
                events.user_left(identity)
            case "user_published":
                self._publishing.add(identity)
                events.user_published(identity)
            case "user_unpublished":
                self._publishing.discard(identity)
                events.user_unpublished(identity)
            case "tracks":
                self.media.notice(notice)
            case _:
                self.notice(notice, events)

    def _meet(self, answer: Mapping[str, Any], events: V) -> None:
        """Reports who is there, and who went while the connection was broken."""
        users = set(answer.get("members", ()))
        publishing = set(answer.get("publishing", ()))
        self.reports_tracks = "publishing" in answer
        self.media.joined(answer)
        for identity in self._users - users:
            events.user_left(identity)
        for identity in users - self._users:
            events.user_joined(identity)
        for identity in (self._publishing - publishing) & users:
            events.user_unpublished(identity)
        for identity in publishing - self._publishing:
            events.user_published(identity)
        self._users, self._publishing = users, publishing

    def settle(self) -> None:
        """The connection is gone: what waits for its answer gets `verdict_lost`."""
        while self._verdicts:
            resolve(self._verdicts, self.verdict_lost)

    def connected(self) -> aiohttp.ClientWebSocketResponse:
        """The connection; `EngineError` outside the room."""
        if self._ws is None:
            raise EngineError(self.not_in_room)
        return self._ws


def resolve(waiting: deque[asyncio.Future[int]], code: int) -> None:
    """Gives the oldest that waits its verdict."""
    if not waiting:
        return  # an answer to nothing
    verdict = waiting.popleft()
    if not verdict.done():
        verdict.set_result(code)
