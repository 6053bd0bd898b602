"""`ChatRoomTransport`: one v3 chat room, joined anew for as long as it lives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from akool_async.errors import (
    AkoolError,
    DisconnectedError,
    InvalidParameterError,
    JoinError,
    JoinRefusedError,
    MissingDependencyError,
    SendError,
)
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
from akool_chatroom.backoff import Backoff
from akool_chatroom.close_info import Ending, LineEndedError
from akool_chatroom.options import ChatRoomOptions
from akool_chatroom.write_stall import StallWatch

if TYPE_CHECKING:
    from akool_chatroom.connection import Line

__all__ = ["ChatRoomTransport"]

_LOG: Final = logging.getLogger("akool_chatroom")


class ChatRoomTransport(Transport):
    """The v3 chat room (docs/protocol.md §3): one text frame per packet, over a websocket.

    Text frames are handed on as they are, whatever is in them; binary frames, which the room
    doesn't use, are dropped and counted as `stats.dropped["binary"]`.

    A connection that breaks while the session lives is made anew, with pauses that grow, and
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
        _line_class()

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
        self._inbox = Inbox(self.stats)
        self._backoff = Backoff(
            first=self._options.reconnect_delay,
            most=self._options.reconnect_max_delay,
            patience=self._options.reconnect_timeout,
        )
        self._stall = StallWatch(self._options.ping_timeout)
        #: The connection, while there is one.
        self._line: Line | None = None
        #: Set while there is one, and once there won't be one again.
        self._settled = asyncio.Event()
        #: How the room ended.
        self._ending: Ending | None = None
        #: The one task of a room: it waits for the connection's end, and joins anew.
        self._keeper: asyncio.Task[None] | None = None

    async def connect(self, *, timeout: float) -> None:
        """Joins; the handshake is all there is to it. See `Transport.connect`.

        A server that takes the connection and stays silent raises `JoinTimeoutError`.
        """
        if self._keeper is not None:
            raise RuntimeError("connect() is called once")
        if self._ending is None:
            line = await self._dial(timeout)
            if self._ending is None:
                self._hold(line)
                self._keeper = asyncio.create_task(self._keep(line), name="akool-chatroom")
                return
            await line.hang_up(timeout=1.0)  # closed while we dialled
        raise JoinError("the transport was closed", retryable=False)

    async def send(self, packet: bytes, *, timeout: float) -> None:
        """Sends one text frame. See `Transport.send`.

        While the room is being joined anew it waits, within `timeout`. After a `SendError` by
        time the frame may still arrive: it can lie in a buffer that the server doesn't read.
        """
        if len(packet) > self.limits.max_bytes:
            raise SendError(
                f"a packet of {len(packet)} bytes; the chat room takes {self.limits.max_bytes}",
                retryable=False,
            )
        line: Line | None = None
        try:
            async with asyncio.timeout(timeout):
                line = self._line or await self._next_line()
                if self._stall.doubts(line):
                    await line.drained()
                await line.send(packet)
        except TimeoutError as error:
            if line is not None and line is self._line:
                self._stall.begin(line)
            raise SendError(
                f"the chat room at {self._address} didn't take a packet within {timeout:g} s",
                retryable=True,
            ) from error
        except LineEndedError as error:
            if error.ending.final or self._ending is not None:
                raise self._gone(error.ending) from error
            raise SendError(
                f"the connection to {self._address} broke while sending: {error}", retryable=True
            ) from error
        if self._stall.doubts(line):
            self._stall.end()
        self.stats.packets_sent += 1
        self.stats.bytes_sent += len(packet)

    async def receive(self) -> bytes | ConnectionChange:
        """See `Transport.receive`."""
        return await self._inbox.get()

    async def reconnect(self, *, timeout: float) -> None:
        """Drops the connection and joins anew. See `Transport.reconnect`.

        Not back within `timeout` seconds, the room is given up.
        """
        if self._line is not None:
            line = self._line
            self._lose()
            line.abort()
        try:
            async with asyncio.timeout(timeout):
                await self._next_line()
        except TimeoutError as error:
            ending = Ending(f"it couldn't be joined anew within {timeout:g} s")
            self._end(ending)
            await self._dismiss_keeper()
            raise self._gone(ending) from error

    async def close(self, *, timeout: float = 5.0) -> None:
        """Leaves with a closing handshake, and aborts where that isn't answered in time."""
        line = self._line
        self._end(Ending("it was left by us", "closed", final=True))
        try:
            if line is not None:
                await line.hang_up(timeout=timeout)
        finally:
            await self._dismiss_keeper()

    async def _keep(self, line: Line) -> None:
        ending = Ending("its reader failed", "internal", final=True)
        try:
            while True:
                ending = await line.ended()
                if ending.too_large:
                    self.stats.dropped["too_large"] += 1
                if ending.final or self._ending is not None:
                    return
                joined = await self._join_anew(ending)
                if isinstance(joined, Ending):
                    ending = joined
                    return
                line = joined
        finally:
            self._end(ending)
            line.abort()

    def _deliver(self, frame: bytes, text: bool) -> None:
        if text:
            self._inbox.put(frame)
        else:
            self.stats.dropped["binary"] += 1

    async def _dial(self, timeout: float) -> Line:
        return await _line_class().dial(
            self._address, self._options, self._deliver, timeout=timeout
        )

    async def _join_anew(self, ending: Ending) -> Line | Ending:
        now = asyncio.get_running_loop().time
        backoff = self._backoff
        self._lose()
        backoff.lost(now())
        if backoff.left(now()) <= 0:
            return ending
        _LOG.info("%s: %s; joining anew", self._address, ending.text)
        self._inbox.put(ConnectionChange(ConnectionState.RECONNECTING, ending.text))
        last = ""
        while (left := backoff.left(now())) > 0:
            await asyncio.sleep(min(backoff.pause(), left))
            limit = max(0.05, min(self._options.open_timeout, backoff.left(now())))
            try:
                line = await self._dial(limit)
            except AkoolError as error:
                if not error.retryable:
                    refused = isinstance(error, JoinRefusedError)
                    return Ending(
                        f"{ending.text}; then {error}",
                        "room_closed" if refused else ending.reason,
                        final=True,
                    )
                last = f" ({error})"
                continue
            # Told before a waiting `send` goes on: what is sent from here on isn't lost.
            self._inbox.put(ConnectionChange(ConnectionState.RECONNECTED, lossy=True))
            self._hold(line)
            _LOG.info("%s: joined anew", self._address)
            return line
        patience = self._options.reconnect_timeout
        return Ending(f"{ending.text}; not joined anew within {patience:g} s{last}")

    def _hold(self, line: Line) -> None:
        self._line = line
        self._settled.set()
        self._backoff.joined(asyncio.get_running_loop().time())

    def _lose(self) -> None:
        self._line = None
        self._stall.end()
        self._settled.clear()

    async def _next_line(self) -> Line:
        """The connection, when there is one."""
        if self._keeper is None and self._ending is None:
            raise SendError("the chat room wasn't joined yet", retryable=False)
        while self._ending is None:
            await self._settled.wait()
            if self._line is not None:
                return self._line
        raise self._gone(self._ending)

    def _gone(self, ending: Ending) -> DisconnectedError:
        return (self._ending or ending).error(session_id=self._session_id)

    def _end(self, ending: Ending) -> None:
        """The room is over. The first ending told is the one that counts."""
        if self._ending is None:
            self._ending = ending
            self._inbox.finish(ending.error(session_id=self._session_id))
        self._lose()
        self._settled.set()

    async def _dismiss_keeper(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])


def _line_class() -> type[Line]:
    try:
        from akool_chatroom.connection import Line
    except ImportError as error:
        raise MissingDependencyError(
            f"The chat room needs the `websockets` package, 15 or newer: {error}.",
            install='pip install "akool-async[chatroom]"',
        ) from error
    return Line
