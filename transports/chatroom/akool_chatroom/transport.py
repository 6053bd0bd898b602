"""`ChatRoomTransport`: one v3 chat room, joined again for as long as it lives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from akool_async.concurrency import Flag
from akool_async.errors import (
    AkoolError,
    DisconnectedError,
    InvalidParameterError,
    JoinError,
    JoinRefusedError,
    MissingDependencyError,
    SendError,
)
from akool_async.media import MediaTransport
from akool_async.models.credentials import ChatRoomCredentials
from akool_async.stream.limits import CHATROOM, Dialect
from akool_async.transport import (
    ConnectionChange,
    ConnectionState,
    Inbox,
    JoinTarget,
    Transport,
    TransportStats,
)
from akool_chatroom.address import Address
from akool_chatroom.close_info import CloseInfo, ConnectionEndedError
from akool_chatroom.media import FLVMedia
from akool_chatroom.options import ChatRoomOptions
from akool_chatroom.outage import Outage
from akool_chatroom.write_stall import WriteStallDetector

if TYPE_CHECKING:
    from akool_chatroom.connection import WebSocketConnection

__all__ = ["ChatRoomTransport"]

_LOG: Final = logging.getLogger("akool_async.transport.chatroom")


class ChatRoomTransport(Transport):
    """The v3 chat room (docs/protocol.md §3): one text frame per packet, over a websocket.

    Text frames are handed on as they are, whatever is in them; binary frames, which the room
    doesn't use, are dropped and counted as `stats.dropped["binary"]`.

    A connection that breaks while the session lives is made again, with pauses that grow, and
    reported as `RECONNECTING` and `RECONNECTED` (lossy: what was under way is unknown). The room
    is given up after `reconnect_timeout`, or when the server says that it is over: by a close
    code (1000, 1008, 3000, 3003), or by not letting us in any more. Options: `ChatRoomOptions`.
    """

    name: ClassVar[str] = "chatroom"
    dialect: ClassVar[Dialect] = "v3"

    @classmethod
    def preflight(cls, options: Mapping[str, Any]) -> None:
        """See `Transport.preflight`; the options are those of `ChatRoomOptions`."""
        ChatRoomOptions.parse(options)
        _connection_class()

    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        credentials = target.credentials
        if not isinstance(credentials, ChatRoomCredentials):
            raise InvalidParameterError(
                "credentials", f"are for {credentials.kind}, not for the v3 chat room"
            )
        self.limits = CHATROOM
        self.stats = TransportStats()
        self.own_id = credentials.client_id
        self.peer_id = credentials.server_id
        self._address = Address(credentials.client_chat_room_url.get_secret_value())
        self._options = ChatRoomOptions.parse(options)
        self._session_id = target.session_id
        url = target.pull_url
        self._media = None if url is None else FLVMedia(url, self._options)
        self._inbox = Inbox(self.stats)
        self._outage = Outage(
            first=self._options.reconnect_delay,
            most=self._options.reconnect_max_delay,
            give_up_after=self._options.reconnect_timeout,
        )
        self._stall = WriteStallDetector(self._options.ping_timeout)
        #: The connection, while there is one.
        self._connection: WebSocketConnection | None = None
        #: Set while there is one, and once there won't be one again.
        self._settled = Flag()
        #: How the room ended.
        self._ended: CloseInfo | None = None
        #: The one task of a room: it waits for the connection's end, and joins again.
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def media(self) -> MediaTransport | None:
        """The session's video; `None` where its URL isn't known."""
        return self._media

    async def connect(self, *, timeout: float) -> None:
        """Joins; the handshake is all there is to it. See `Transport.connect`.

        A server that takes the connection and stays silent raises `JoinTimeoutError`.
        """
        if self._supervisor is not None:
            raise RuntimeError("connect() is called once")
        if self._ended is None:
            connection = await self._dial(timeout)
            if self._ended is None:
                self._hold(connection)
                self._supervisor = asyncio.create_task(
                    self._supervise(connection), name="akool-chatroom"
                )
                return
            await connection.hang_up(timeout=1.0)  # closed while we dialled
        raise JoinError("the transport was closed", retryable=False)

    async def send(self, packet: bytes, *, timeout: float) -> None:
        """Sends one text frame. See `Transport.send`.

        While the room is being joined again it waits, within `timeout`. After a `SendError` by
        time the frame may still arrive: it can lie in a buffer that the server doesn't read.
        """
        if len(packet) > self.limits.max_bytes:
            raise SendError(
                f"a packet of {len(packet)} bytes; the chat room takes {self.limits.max_bytes}",
                retryable=False,
            )
        connection: WebSocketConnection | None = None
        try:
            async with asyncio.timeout(timeout):
                connection = self._connection or await self._next_connection()
                if self._stall.watches(connection):
                    await connection.drained()
                await connection.send(packet)
        except TimeoutError as error:
            if connection is not None and connection is self._connection:
                self._stall.begin(connection)
            raise SendError(
                f"the chat room at {self._address} didn't take a packet within {timeout:g} s",
                retryable=True,
            ) from error
        except ConnectionEndedError as error:
            if error.close_info.final or self._ended is not None:
                raise self._gone(error.close_info) from error
            raise SendError(
                f"the connection to {self._address} broke while sending: {error}", retryable=True
            ) from error
        if self._stall.watches(connection):
            self._stall.end()
        self.stats.packets_sent += 1
        self.stats.bytes_sent += len(packet)

    async def receive(self) -> bytes | ConnectionChange:
        """See `Transport.receive`."""
        return await self._inbox.get()

    async def reconnect(self, *, timeout: float) -> None:
        """Drops the connection and joins again. See `Transport.reconnect`.

        Not back within `timeout` seconds, the room is given up.
        """
        if self._connection is not None:
            connection = self._connection
            self._lose()
            connection.abort()
        try:
            async with asyncio.timeout(timeout):
                await self._next_connection()
        except TimeoutError as error:
            info = CloseInfo(f"it couldn't be joined again within {timeout:g} s")
            self._end(info)
            await self._stop_supervisor()
            raise self._gone(info) from error

    async def close(self, *, timeout: float = 5.0) -> None:
        """Leaves with a closing handshake, and aborts where that isn't answered in time."""
        connection = self._connection
        self._end(CloseInfo("it was left by us", "closed", final=True))
        try:
            if self._media is not None:
                await self._media.close()
            if connection is not None:
                await connection.hang_up(timeout=timeout)
        finally:
            await self._stop_supervisor()

    async def _supervise(self, connection: WebSocketConnection) -> None:
        info = CloseInfo("its reader failed", "internal", final=True)
        try:
            while True:
                info = await connection.ended()
                if info.too_large:
                    self.stats.dropped["too_large"] += 1
                if info.final or self._ended is not None:
                    return
                joined = await self._rejoin(info)
                if isinstance(joined, CloseInfo):
                    info = joined
                    return
                connection = joined
        finally:
            self._end(info)
            connection.abort()

    def _deliver(self, frame: bytes, text: bool) -> None:
        if text:
            self._inbox.put(frame)
        else:
            self.stats.dropped["binary"] += 1

    async def _dial(self, timeout: float) -> WebSocketConnection:
        return await _connection_class().dial(
            self._address, self._options, self._deliver, timeout=timeout
        )

    async def _rejoin(self, info: CloseInfo) -> WebSocketConnection | CloseInfo:
        now = asyncio.get_running_loop().time
        outage = self._outage
        self._lose()
        outage.lost(now())
        if outage.left(now()) <= 0:
            return info
        _LOG.info("%s: %s; joining again", self._address, info.text)
        self._inbox.put(ConnectionChange(ConnectionState.RECONNECTING, info.text))
        last = ""
        while (left := outage.left(now())) > 0:
            await asyncio.sleep(min(outage.pause(), left))
            limit = max(0.05, min(self._options.open_timeout, outage.left(now())))
            try:
                connection = await self._dial(limit)
            except AkoolError as error:
                if not error.retryable:
                    refused = isinstance(error, JoinRefusedError)
                    return CloseInfo(
                        f"{info.text}; then {error}",
                        "room_closed" if refused else info.reason,
                        final=True,
                    )
                last = f" ({error})"
                continue
            # Reported before a waiting `send` goes on: what is sent from here on isn't lost.
            self._inbox.put(ConnectionChange(ConnectionState.RECONNECTED, lossy=True))
            self._hold(connection)
            _LOG.info("%s: joined again", self._address)
            return connection
        limit = self._options.reconnect_timeout
        return CloseInfo(f"{info.text}; not joined again within {limit:g} s{last}")

    def _hold(self, connection: WebSocketConnection) -> None:
        self._connection = connection
        self._settled.set()
        self._outage.joined(asyncio.get_running_loop().time())

    def _lose(self) -> None:
        self._connection = None
        self._stall.end()
        self._settled.clear()

    async def _next_connection(self) -> WebSocketConnection:
        """The connection, when there is one."""
        if self._supervisor is None and self._ended is None:
            raise SendError("the chat room wasn't joined yet", retryable=False)
        while self._ended is None:
            await self._settled.wait()
            if self._connection is not None:
                return self._connection
        raise self._gone(self._ended)

    def _gone(self, info: CloseInfo) -> DisconnectedError:
        return (self._ended or info).error(session_id=self._session_id)

    def _end(self, info: CloseInfo) -> None:
        """The room is over. The first call counts."""
        if self._ended is None:
            self._ended = info
            self._inbox.finish(info.error(session_id=self._session_id))
        self._lose()
        self._settled.set()

    async def _stop_supervisor(self) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])


def _connection_class() -> type[WebSocketConnection]:
    try:
        from akool_chatroom.connection import WebSocketConnection
    except ImportError as error:
        raise MissingDependencyError(
            f"The chat room needs the `websockets` package, 15 or newer: {error}.",
            install='pip install "akool-async[chatroom]"',
        ) from error
    return WebSocketConnection
