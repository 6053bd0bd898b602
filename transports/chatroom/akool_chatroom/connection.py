"""One websocket from dialling to its end: the only module that needs the `websockets` package."""

from __future__ import annotations

import asyncio
import functools
import logging
import ssl
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
    ProxyError,
)
from websockets.frames import DATA_OPCODES, Frame, Opcode

from akool_async.errors import (
    AkoolError,
    ConfigurationError,
    JoinError,
    JoinRefusedError,
    JoinTimeoutError,
)
from akool_async.transport.file_limit import is_file_limit
from akool_chatroom.address import Address
from akool_chatroom.close_info import CloseInfo, ConnectionEndedError, read_close
from akool_chatroom.options import ChatRoomOptions
from akool_chatroom.proxy import choose_proxy

__all__ = ["WebSocketConnection"]

#: Takes a whole frame, and whether it is a text frame (or a binary one).
Deliver: TypeAlias = Callable[[bytes, bool], None]

#: Statuses of the handshake that another try may change.
TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

#: With more bytes than this waiting to be written, `send` waits: one packet of the largest size.
WRITE_LIMIT: Final = 2**16

#: Bytes that are read in one turn of the event loop: 1,400 frames of a byte each, some 15 ms.
SLICE: Final = 4096

#: How long a peer may take to answer a closing handshake before the connection is dropped: ours,
#: after a missed ping too, where no answer is likely.
CLOSE_TIMEOUT: Final = 2.0


class _QuietLogger(logging.LoggerAdapter[logging.Logger]):
    """What websockets logs for us: never at DEBUG, where it writes the URL's path and the frames.

    Not by a level, which a program could set: the path is a secret whatever a program logs.
    """

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name
        return level > logging.DEBUG and super().isEnabledFor(level)


_LOGGER: Final = _QuietLogger(logging.getLogger("akool_async.transport.chatroom.websocket"), {})


class _Dial(connect):
    """Follows no redirect: the path is a secret, and another host has no claim to it."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Connection(ClientConnection):
    """Hands frames on in the turn of the loop that reads them.

    `recv` costs a task and a turn of the loop more, and stops reading (pongs, too) while no
    frames are fetched; the transport's inbox bounds what isn't fetched.

    `process_event` and `data_received` are websockets' own, up to version 17: another one has to be
    looked through first, so its version is bounded in pyproject.toml.
    """

    def __init__(self, *args: Any, deliver: Deliver, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deliver = deliver
        self._text = True
        self._partial: bytearray | None = None
        self._unread = bytearray()

    def data_received(self, data: bytes) -> None:
        """Reads in slices: 256 KiB, as they may come at once, can hold 85,000 frames, and reading
        those would hold up the event loop for most of a second.
        """
        if not self._unread and len(data) <= SLICE:
            super().data_received(data)
            return
        if not self._unread:
            self.transport.pause_reading()
            self.loop.call_soon(self._read_slices)
        self._unread += data

    def eof_received(self) -> None:
        """What was received before comes first."""
        self._read_rest()
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """What was received before comes first."""
        self._read_rest()
        super().connection_lost(exc)

    def _read_slices(self) -> None:
        self._read_slice()
        if self._unread:
            self.loop.call_soon(self._read_slices)
        elif not self.transport.is_closing():
            self.transport.resume_reading()

    def _read_rest(self) -> None:
        while self._unread:
            self._read_slice()

    def _read_slice(self) -> None:
        piece = bytes(self._unread[:SLICE])
        del self._unread[:SLICE]
        if piece:
            super().data_received(piece)

    def process_event(self, event: Any) -> None:
        """Data frames are handed on; the handshake and control frames go their usual way."""
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            return
        if event.opcode is not Opcode.CONT:
            self._text = event.opcode is Opcode.TEXT
        if self._partial is None:
            if event.fin:
                self._deliver(bytes(event.data), self._text)
                return
            self._partial = bytearray()
        # All fragments together are bounded by `max_size`, which websockets checks.
        self._partial += event.data
        if event.fin:
            data, self._partial = bytes(self._partial), None
            self._deliver(data, self._text)


@functools.cache
def _system_trust() -> ssl.SSLContext:
    """One context for all rooms: each reads and keeps all of the system's certificates."""
    return ssl.create_default_context()


class WebSocketConnection:
    """One open websocket. Its methods raise `ConnectionEndedError` once it is gone."""

    __slots__ = ("_address", "_websocket")

    def __init__(self, websocket: ClientConnection, address: Address) -> None:
        self._websocket = websocket
        self._address = address

    @classmethod
    async def dial(
        cls, address: Address, options: ChatRoomOptions, deliver: Deliver, *, timeout: float
    ) -> WebSocketConnection:
        """Opens it. `timeout` in seconds, for name, TCP, TLS and handshake together.

        `deliver` gets every frame, on the event loop; it must not raise.

        Raises:
            JoinRefusedError: the server doesn't let this URL in, or sends it elsewhere.
            JoinTimeoutError: not in time.
            JoinError: no connection, an untrusted certificate, not a websocket.
            ConfigurationError: a proxy that can't be used.
        """
        arguments: dict[str, Any] = {}
        if address.secure:
            arguments["ssl"] = options.ssl or _system_trust()
        try:
            async with asyncio.timeout(timeout):
                websocket = await _Dial(
                    address.secret_url(),
                    # An idle connection takes 24 kB with compression, 13 kB without, and the
                    # frames are too small to gain by it.
                    compression=None,
                    proxy=choose_proxy(options.proxy, address),
                    open_timeout=None,
                    ping_interval=options.ping_interval,
                    ping_timeout=options.ping_timeout,
                    close_timeout=CLOSE_TIMEOUT,
                    max_size=options.max_size,
                    write_limit=WRITE_LIMIT,
                    logger=_LOGGER,
                    create_connection=functools.partial(_Connection, deliver=deliver),  # type: ignore[arg-type] # called, as documented
                    **arguments,
                )
        except TimeoutError as error:
            raise JoinTimeoutError(
                f"the chat room at {address} didn't let us in within {timeout:g} s"
            ) from error
        # These two aren't chained: a proxy's URL may hold a password, and the answer of a server
        # may hold the path that was asked for.
        except InvalidProxy as error:
            raise ConfigurationError(
                f"the proxy on the way to {address} can't be used: {error.msg}"
            ) from None
        except InvalidStatus as error:
            raise _refusal(error.response.status_code, address) from None
        except (InvalidHandshake, OSError, EOFError, ImportError) as error:
            raise _join_error(error, address) from error
        return cls(websocket, address)

    async def send(self, packet: bytes) -> None:
        """Sends a text frame; waits while more than `WRITE_LIMIT` bytes are unsent."""
        try:
            await self._websocket.send(packet, text=True)
        except ConnectionClosed as error:
            raise ConnectionEndedError(read_close(error, self._address)) from error

    async def ended(self) -> CloseInfo:
        """Returns when the connection is gone, with how it ended."""
        try:
            await self._websocket.recv()
        except ConnectionClosed as error:
            return read_close(error, self._address)
        raise AssertionError("frames are delivered, not received")

    async def drained(self) -> None:
        """Waits until `send` would write at once, at the price of a ping."""
        try:
            await self._websocket.ping()
        except ConnectionClosed as error:
            raise ConnectionEndedError(read_close(error, self._address)) from error

    @property
    def unsent(self) -> int:
        """Bytes that the system hasn't taken from us yet."""
        return self._websocket.transport.get_write_buffer_size()

    def abort(self) -> None:
        """Drops the connection without a closing handshake. Any number of times."""
        self._websocket.transport.abort()

    async def hang_up(self, *, timeout: float) -> None:
        """Closes politely for at most `timeout` seconds, then aborts. Nothing is left of it.

        Against a peer that reads nothing, websockets' `close()` waits for its buffers to drain.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._websocket.close()
        except TimeoutError:
            _LOGGER.info("the closing handshake wasn't answered in time")
        finally:
            self.abort()
            # The loop closes the socket in its next turns.
            await self._websocket.wait_closed()


def _refusal(status: int, address: Address) -> JoinError:
    if 300 <= status < 400:
        return JoinRefusedError(
            f"the chat room at {address} sends us elsewhere (HTTP {status}), which isn't followed"
        )
    if status in TRANSIENT:
        return JoinError(f"the chat room at {address} isn't ready: HTTP {status}")
    return JoinRefusedError(f"the chat room at {address} refused its URL: HTTP {status}")


def _join_error(error: Exception, address: Address) -> AkoolError:
    match error:
        case ssl.SSLCertVerificationError():
            return JoinError(
                f"the certificate of {address} isn't trusted: {error.verify_message}. For a "
                "private server give ssl= a context that knows its certificate",
                retryable=False,
            )
        case ImportError():
            return ConfigurationError(f"the proxy on the way to {address} can't be used: {error}")
        case _ if is_file_limit(error):
            return JoinError(
                f"this process can't open any more files, so the chat room at {address} can't be "
                "reached: raise the limit (ulimit -n)"
            )
        case ProxyError() | OSError() | EOFError() | InvalidMessage():
            return JoinError(
                f"no connection to the chat room at {address}: {address.redact(str(error))}"
            )
        case _:
            return JoinError(
                f"{address} isn't a chat room: {address.redact(str(error))}", retryable=False
            )
