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
from akool_chatroom.address import Address
from akool_chatroom.close_info import Ending, LineEndedError, read_ending
from akool_chatroom.options import ChatRoomOptions

__all__ = ["Line"]

#: Takes a whole frame, and whether it is a text frame (or a binary one).
Deliver: TypeAlias = Callable[[bytes, bool], None]

#: Statuses of the handshake that another try may change.
TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

#: With more bytes than this waiting to be written, `send` waits: one packet of the largest size.
WRITE_LIMIT: Final = 2**16

#: How long a peer may take to answer a closing handshake before the connection is dropped: ours,
#: after a missed ping too, where nobody is likely to answer.
CLOSE_TIMEOUT: Final = 2.0


class _QuietLogger(logging.LoggerAdapter[logging.Logger]):
    """What websockets logs for us: never at DEBUG, where it writes the URL's path and the frames.

    Not by a level, which a program could set: the path is a secret whatever a program logs.
    """

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name
        return level > logging.DEBUG and super().isEnabledFor(level)


_LOGGER: Final = _QuietLogger(logging.getLogger("akool_chatroom.websocket"), {})


class _Dial(connect):
    """Follows no redirect: the path is a secret, and another host has no claim to it."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Connection(ClientConnection):
    """Hands frames on in the turn of the loop that reads them.

    `recv` costs a task and a turn of the loop more, and stops reading (pongs, too) while nobody
    takes frames; what nobody takes is bounded by the transport's inbox.
    """

    def __init__(self, *args: Any, deliver: Deliver, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deliver = deliver
        self._text = True
        self._partial: bytearray | None = None

    def process_event(self, event: Any) -> None:
        """Data frames are handed on; the handshake and control frames go their usual way."""
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            return
        if event.opcode is not Opcode.CONT:
            self._text = event.opcode is Opcode.TEXT
        if self._partial is None and event.fin:
            self._deliver(bytes(event.data), self._text)
            return
        # All fragments together are bounded by `max_size`, which websockets checks.
        self._partial = (self._partial or bytearray()) + event.data
        if event.fin:
            data, self._partial = bytes(self._partial), None
            self._deliver(data, self._text)


@functools.cache
def _system_trust() -> ssl.SSLContext:
    """One context for all rooms: each reads and keeps all of the system's certificates."""
    return ssl.create_default_context()


class Line:
    """One open websocket. Its methods raise `LineEndedError` once it is gone."""

    __slots__ = ("_address", "_websocket")

    def __init__(self, websocket: ClientConnection, address: Address) -> None:
        self._websocket = websocket
        self._address = address

    @classmethod
    async def dial(
        cls, address: Address, options: ChatRoomOptions, deliver: Deliver, *, timeout: float
    ) -> Line:
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
                    proxy=None if address.loopback else options.proxy,
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
            raise LineEndedError(read_ending(error, self._address)) from error

    async def ended(self) -> Ending:
        """Returns when the connection is gone, with how it ended."""
        try:
            await self._websocket.recv()
        except ConnectionClosed as error:
            return read_ending(error, self._address)
        raise AssertionError("frames are delivered, not received")

    async def drained(self) -> None:
        """Waits until `send` would write at once, at the price of a ping."""
        try:
            await self._websocket.ping()
        except ConnectionClosed as error:
            raise LineEndedError(read_ending(error, self._address)) from error

    @property
    def unsent(self) -> int:
        """Bytes that the system hasn't taken from us yet."""
        return self._websocket.transport.get_write_buffer_size()

    def abort(self) -> None:
        """Drops the connection without a word. Any number of times."""
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
        case ProxyError() | OSError() | EOFError() | InvalidMessage():
            return JoinError(
                f"no connection to the chat room at {address}: {address.redact(str(error))}"
            )
        case _:
            return JoinError(
                f"{address} isn't a chat room: {address.redact(str(error))}", retryable=False
            )
