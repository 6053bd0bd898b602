"""The contract of a transport, and finding transports by name.

A transport carries packets of one room: bytes in, bytes out, limits, connection changes, one
close. It knows no JSON and keeps no pace; both are done above it, by the codec and by the limits
that it declares. Audio and video are no part of it: a transport that offers them implements a
second protocol beside this one.

A transport is found through the entry-point group `akool_async.transports`: an entry's name is
what `stream_type=` and `transport=` take, its value a subclass of `Transport`.
"""

from __future__ import annotations

import abc
import asyncio
import enum
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, ClassVar, Final

from akool_async.errors import (
    ConfigurationError,
    DisconnectedError,
    InvalidParameterError,
    MissingDependencyError,
)
from akool_async.models.credentials import Credentials
from akool_async.stream.limits import Dialect, PacketLimits

__all__ = [
    "ConnectionChange",
    "ConnectionState",
    "Inbox",
    "JoinTarget",
    "PacketLimits",
    "Transport",
    "TransportStats",
    "available_transports",
    "load_transport",
]

GROUP: Final = "akool_async.transports"


class ConnectionState(enum.Enum):
    """What happened to the connection."""

    RECONNECTING = "reconnecting"
    RECONNECTED = "reconnected"
    AVATAR_LEFT = "avatar_left"
    AVATAR_BACK = "avatar_back"
    TOKEN_EXPIRING = "token_expiring"  # noqa: S105 - a state's name
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class ConnectionChange:
    """A change of the connection, in its place among the packets.

    Attributes:
        state: what happened.
        reason: why, in a few words for a person; "" where nothing is known.
        seconds_left: for `TOKEN_EXPIRING`, until the token expires.
        lossy: for `RECONNECTED`, packets sent or received meanwhile may be lost.
    """

    state: ConnectionState
    reason: str = ""
    seconds_left: float | None = None
    lossy: bool = False


@dataclass(slots=True)
class TransportStats:
    """Counted by the adapter since it was made; `dropped` by reason ("stranger", "overflow" …)."""

    packets_sent: int = 0
    bytes_sent: int = 0
    packets_received: int = 0
    bytes_received: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class JoinTarget:
    """Which room to join, and what is known about it.

    Attributes:
        credentials: for the room, with their token.
        session_id: the service's id of the session, for messages.
        own_room: the room is the user's own, so strangers may be in it.
        renew_credentials: asks the session's owner for credentials with a new token.
    """

    credentials: Credentials
    session_id: str | None = None
    own_room: bool = False
    renew_credentials: Callable[[], Awaitable[Credentials]] | None = None


class Transport(abc.ABC):
    """One room, joined once. Made on the event loop that uses it; not for several tasks sending.

    `send` is called by one task at a time, `receive` by one other.
    """

    #: The entry point's name.
    name: ClassVar[str]
    #: Which dialect of the stream messages the room speaks.
    dialect: ClassVar[Dialect] = "v2"

    #: What one packet and one second may hold; the sender above keeps to it.
    limits: PacketLimits
    stats: TransportStats
    #: (v3) our name and the avatar's in the room, where messages carry them.
    own_id: str | None = None
    peer_id: str | None = None

    @classmethod
    def preflight(cls, options: Mapping[str, Any]) -> None:
        """Checks, before a session is created and paid for, that joining can work at all.

        `options` are what the user gave as `transport_options=`.

        Raises:
            MissingDependencyError: a vendor package or an engine isn't installed.
            InvalidParameterError: an option that this transport doesn't know or can't use.
        """
        if options:
            name = next(iter(options))
            raise InvalidParameterError(name, f"the {cls.name} transport takes no such option")

    @classmethod
    def loopback_options(cls, base_url: str) -> Mapping[str, Any]:
        """Options that reach the rooms of a service on this machine, for example a simulator.

        Asked for when the client's base URL is a loopback address, and put under what the user
        gave: `{**loopback_options(url), **transport_options}`. For a vendor whose own servers
        can't run here; the default adds nothing.
        """
        del base_url
        return {}

    @abc.abstractmethod
    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        """Keeps what it is given; opens nothing.

        Raises:
            InvalidParameterError: credentials of another kind of room, or incomplete ones.
        """

    @abc.abstractmethod
    async def connect(self, *, timeout: float) -> None:
        """Joins. Returns when a packet sent now reaches the avatar. `timeout` in seconds, for all.

        Cancelled or failed, it leaves nothing behind. Called once.

        Raises:
            JoinRefusedError: the room refused the credentials.
            JoinTimeoutError, AvatarAbsentError: not in time.
            JoinError: anything else that kept it from joining.
            MissingDependencyError: the vendor's package isn't installed.
        """

    @abc.abstractmethod
    async def send(self, packet: bytes, *, timeout: float) -> None:
        """Hands one packet to the room; accepted isn't delivered. `timeout` in seconds.

        Raises:
            SendError: not accepted in time, or refused; it may be on its way all the same.
            DisconnectedError: the room is gone for good.
        """

    @abc.abstractmethod
    async def receive(self) -> bytes | ConnectionChange:
        """The next packet from the avatar, or the next change of the connection, in their order.

        Safe to cancel: nothing is lost.

        Raises:
            DisconnectedError: the room is gone for good and everything before was handed out;
                raised again at each further call.
        """

    async def reconnect(self, *, timeout: float) -> None:
        """Leaves and joins anew. Asked for when the room takes packets but seems to deliver none.

        The adapter reports `RECONNECTING` and `RECONNECTED` (lossy) by `receive()` as usual.

        Raises:
            DisconnectedError: it can't; this is what the default does.
        """
        del timeout
        raise DisconnectedError(
            f"the {self.name} room fell silent and can't be joined anew", reason="silent"
        )

    @abc.abstractmethod
    async def close(self, *, timeout: float = 5.0) -> None:
        """Leaves the room and frees everything. May be called twice, and before `connect`.

        Takes at most `timeout` seconds; then what is left is aborted. Doesn't raise for a
        connection that is gone already.
        """


class Inbox:
    """What an adapter received and nobody fetched yet: bounded, in order, safe to cancel.

    An adapter's handlers call `put` and `finish` on the event loop; `Transport.receive` is `get`.
    Full, it drops the oldest packet and counts it under "overflow"; changes are never dropped.
    """

    def __init__(
        self, stats: TransportStats, *, max_packets: int = 10_000, max_bytes: int = 64 * 2**20
    ) -> None:
        self._stats = stats
        self._max_packets = max_packets
        self._max_bytes = max_bytes
        self._items: deque[bytes | ConnectionChange] = deque()
        self._packets = 0
        self._bytes = 0
        self._error: DisconnectedError | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def finished(self) -> bool:
        """Whether `finish` was called."""
        return self._error is not None

    @property
    def error(self) -> DisconnectedError | None:
        """What `finish` was called with; `None` while the room lives."""
        return self._error

    def put(self, item: bytes | ConnectionChange) -> None:
        """Adds a packet (and counts it as received) or a change; ignored once finished."""
        if self._error is not None:
            return
        if isinstance(item, bytes):
            self._stats.packets_received += 1
            self._stats.bytes_received += len(item)
            self._packets += 1
            self._bytes += len(item)
        self._items.append(item)
        while self._packets > 1 and (
            self._packets > self._max_packets or self._bytes > self._max_bytes
        ):
            self._drop_oldest()
        self._wake()

    def finish(self, error: DisconnectedError) -> None:
        """Nothing more will come; the first call's error is kept."""
        if self._error is None:
            self._error = error
            self._wake()

    async def get(self) -> bytes | ConnectionChange:
        """The next item; `Transport.receive` in the contract's sense."""
        while not self._items:
            if self._error is not None:
                # A fresh instance: raising the same one again would grow its traceback.
                error = self._error
                raise DisconnectedError(
                    str(error), reason=error.reason, retryable=error.retryable
                ) from error
            if self._waiter is not None:
                raise RuntimeError("receive() is already awaited by another task")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        item = self._items.popleft()
        if isinstance(item, bytes):
            self._packets -= 1
            self._bytes -= len(item)
        return item

    def _drop_oldest(self) -> None:
        for place, item in enumerate(self._items):
            if isinstance(item, bytes):
                del self._items[place]
                self._packets -= 1
                self._bytes -= len(item)
                self._stats.dropped["overflow"] += 1
                return

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


#: Transports of this project, for the install line when one isn't there.
_OURS: Final = ("livekit", "chatroom", "agora", "trtc")


def available_transports() -> dict[str, str]:
    """Names of the installed transports, each with where it comes from ("module:Class")."""
    return {entry.name: entry.value for entry in entry_points(group=GROUP)}


def load_transport(name: str) -> type[Transport]:
    """The transport installed under `name`.

    Raises:
        MissingDependencyError: one of this project's, not installed; or its package is broken.
        ConfigurationError: nobody provides that name (lists the names that are there), or what
            is installed under it isn't a `Transport`.
    """
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        there = ", ".join(sorted(available_transports())) or "none"
        message = f"No transport named {name!r} is installed (installed: {there})."
        if name in _OURS:
            raise MissingDependencyError(message, install=f'pip install "akool-async[{name}]"')
        raise ConfigurationError(
            f"{message} A transport is a package with an entry point in the group {GROUP!r}."
        )
    entry = next(iter(found))
    try:
        loaded = entry.load()
    except ImportError as error:
        raise MissingDependencyError(
            f"The {name!r} transport ({entry.value}) can't be imported: {error}.",
            install=f'pip install "akool-async[{name}]"' if name in _OURS else None,
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Transport)):
        raise ConfigurationError(
            f"The entry point {name!r} ({entry.value}) isn't a subclass of Transport."
        )
    return loaded
