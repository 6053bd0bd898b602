"""A transport over an engine: the part that really talks to a vendor, behind a narrow protocol.

For rooms whose vendor SDK not everybody has, or that has several. A subclass brings the
credentials, the vendor's errors as ours, and the protocol its engines follow; joining, waiting for
the avatar, deadlines, joining anew and leaving are the same for all and stand here.
"""

from __future__ import annotations

import abc
import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol, TypeVar, cast

from akool_async.errors import (
    AvatarAbsentError,
    DisconnectedError,
    InvalidParameterError,
    JoinError,
    JoinTimeoutError,
    MessageTooLargeError,
    SendError,
)
from akool_async.models.addresses import is_loopback_url
from akool_async.models.credentials import Credentials
from akool_async.transport.contract import ConnectionChange, Transport, TransportStats
from akool_async.transport.engines.participants import Presence

__all__ = [
    "AnyEngine",
    "EngineError",
    "EngineTransport",
    "check_engine",
    "made_engine",
    "simulator_url",
]

logger = logging.getLogger(__name__)

#: Seconds until a packet that was refused for now is tried again.
RETRY_AFTER: Final = 0.05
#: Seconds for freeing what a failed or cancelled join left.
CLEANUP_TIMEOUT: Final = 5.0

E = TypeVar("E")


class EngineError(Exception):
    """The vendor refused; `code` is its own number."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else str(code))
        self.code = code
        self.message = message


class AnyEngine(Protocol):
    """What every engine has; its vendor's protocol adds how to join."""

    async def send(self, packet: bytes) -> None:
        """Hands one packet to the room.

        Raises:
            EngineError: the vendor refused it.
        """

    async def leave(self) -> None:
        """Leaves and frees everything; twice, before and during joining is fine."""


class EngineTransport(Transport):
    """One room, joined through an engine that the subclass chose.

    The subclass calls `_use` in its `__init__`, and says in its docstring which options it takes.
    """

    #: For messages: the vendor's name, and what it calls a room.
    vendor: ClassVar[str]
    place: ClassVar[str]
    #: The names of the options it takes.
    option_names: ClassVar[tuple[str, ...]] = ("engine", "simulator_url")

    _engine: AnyEngine
    _presence: Presence

    @classmethod
    def check_option_names(cls, options: Mapping[str, Any]) -> None:
        """Refuses options that the transport doesn't know, with `InvalidParameterError`."""
        for option in options:
            if option not in cls.option_names:
                raise InvalidParameterError(
                    option, f"the {cls.name} transport takes {', '.join(cls.option_names)} only"
                )

    @classmethod
    def loopback_options(cls, base_url: str) -> Mapping[str, Any]:
        """The vendor's servers can't run on this machine: its simulator has a relay instead."""
        return {"engine": "loopback", "simulator_url": base_url}

    def _use(self, engine: AnyEngine, presence: Presence, stats: TransportStats) -> None:
        self.stats = stats
        self._engine = engine
        self._presence = presence

    @abc.abstractmethod
    async def _enter(self) -> None:
        """Joins the room with the engine, telling `_presence`.

        Raises:
            EngineError: the vendor refused.
        """

    async def _enter_anew(self) -> None:
        """Joins again after leaving; with other credentials where the subclass has some."""
        await self._enter()

    @abc.abstractmethod
    def _join_error(self, error: EngineError) -> JoinError:
        """Why the room couldn't be joined."""

    @abc.abstractmethod
    def _send_error(self, error: EngineError) -> SendError:
        """Why a packet wasn't taken."""

    @abc.abstractmethod
    def _refused_for_now(self, error: EngineError) -> bool:
        """Whether the packet was surely not sent, and may be taken a little later."""

    async def connect(self, *, timeout: float) -> None:
        """Joins, and waits for the avatar. See `Transport.connect`."""
        self._raise_if_ended()
        entered = False
        try:
            async with asyncio.timeout(timeout):
                await self._enter()
                entered = True
                await self._presence.avatar_here()
        except BaseException as error:
            await self._leave(CLEANUP_TIMEOUT)
            if isinstance(error, EngineError):
                raise self._join_error(error) from error
            if not isinstance(error, TimeoutError):
                raise
            where = f"The {self.vendor} {self.place}"
            if entered:
                raise AvatarAbsentError(
                    f"{where} was joined, but the avatar didn't come in {timeout:g} s."
                ) from error
            raise JoinTimeoutError(f"{where} wasn't joined in {timeout:g} s.") from error

    async def send(self, packet: bytes, *, timeout: float) -> None:
        """Hands one packet to the engine. See `Transport.send`.

        A packet that was refused for now (too fast, or not in the room while reconnecting) was
        surely not sent and is tried again within `timeout`.

        Raises:
            MessageTooLargeError: more than the limits allow; nothing was sent.
        """
        limit = self.limits.max_bytes
        if len(packet) > limit:
            raise MessageTooLargeError(
                "packet",
                f"{len(packet)} bytes, a {self.vendor} packet has {limit} at most",
                size=len(packet),
                limit=limit,
            )
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            self._raise_if_ended()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._engine.send(packet)
            except EngineError as error:
                late = loop.time() + RETRY_AFTER >= deadline
                if late or not self._refused_for_now(error):
                    self._raise_if_ended()
                    raise self._send_error(error) from error
                await asyncio.sleep(RETRY_AFTER)
            except TimeoutError as error:
                raise SendError(
                    f"{self.vendor} didn't take a packet in {timeout:g} s.", retryable=True
                ) from error
            else:
                self.stats.packets_sent += 1
                self.stats.bytes_sent += len(packet)
                return

    async def receive(self) -> bytes | ConnectionChange:
        """The next packet or change. See `Transport.receive`."""
        return await self._presence.inbox.get()

    async def reconnect(self, *, timeout: float) -> None:
        """Leaves and joins anew.

        Raises:
            DisconnectedError: it couldn't; the room is gone for good.
        """
        self._raise_if_ended()
        self._presence.broke()
        try:
            async with asyncio.timeout(timeout):
                await self._engine.leave()
                await self._enter_anew()
        except (EngineError, TimeoutError) as error:
            why = f": {self._join_error(error)}" if isinstance(error, EngineError) else " in time."
            self._presence.finish(
                DisconnectedError(
                    f"The {self.vendor} {self.place} couldn't be joined anew{why}",
                    reason="connection_lost",
                    retryable=False,
                )
            )
            await self._leave(CLEANUP_TIMEOUT)
            self._raise_if_ended()
        self._presence.mended()

    async def close(self, *, timeout: float = 5.0) -> None:
        """Leaves. See `Transport.close`."""
        self._presence.finish(
            DisconnectedError(f"The {self.vendor} {self.place} was left.", reason="closed")
        )
        await self._leave(timeout)

    async def _leave(self, timeout: float) -> None:
        """Leaves, in `timeout` seconds at most, and even while being cancelled."""
        leaving = asyncio.ensure_future(self._engine.leave())
        grace = timeout / 5
        try:
            await asyncio.wait({leaving}, timeout=timeout - grace)
        finally:
            if not leaving.done():
                leaving.cancel()
                await asyncio.wait({leaving}, timeout=grace)
        if not leaving.done():
            logger.warning("the %s engine didn't leave, though cancelled", self.vendor)
        elif not leaving.cancelled() and (error := leaving.exception()) is not None:
            logger.warning(
                "leaving the %s %s failed: %s", self.vendor, self.place, type(error).__name__
            )

    def _raise_if_ended(self) -> None:
        ended = self._presence.ended
        if ended is not None:
            raise DisconnectedError(
                str(ended), reason=ended.reason, retryable=ended.retryable
            ) from ended


def check_engine(engine: object, protocol: type, *, names: Sequence[str], package: str) -> None:
    """Whether `engine` can be one: a known name, an object with the methods, or a maker of one.

    Args:
        engine: what the user gave.
        protocol: the vendor's engine protocol, runtime-checkable.
        names: the names that `engine=` knows.
        package: the plugin's, for messages.

    Raises:
        InvalidParameterError: it can't.
    """
    if isinstance(engine, str):
        if engine not in names:
            known = ", ".join(map(repr, names))
            raise InvalidParameterError(
                "engine",
                f"{engine!r} isn't known; give {known}, or an engine of your own "
                f"({package}.Engine)",
            )
    elif not callable(engine) and not isinstance(engine, protocol):
        raise InvalidParameterError(
            "engine",
            f"a {type(engine).__name__} is neither a name, an {package}.Engine nor a callable "
            "that makes one",
        )


def made_engine(engine: object, protocol: type[E]) -> E:
    """The engine itself, made first where a callable was given that makes one."""
    if isinstance(engine, protocol) and not isinstance(engine, type):
        return engine
    return cast("Callable[[], E]", engine)()


def simulator_url(options: Mapping[str, Any], credentials: Credentials) -> str | None:
    """The base URL of the simulator that has the room, where one on this machine made it.

    Credentials that name another machine's don't count.
    """
    url = options.get("simulator_url")
    if url is None:
        url = (credentials.model_extra or {}).get("akool_simulator_url")
    return url if isinstance(url, str) and is_loopback_url(url) else None
