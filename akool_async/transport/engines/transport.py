"""A transport over an engine: joining, waiting for the avatar, time limits, rejoining, leaving.

A subclass brings the credentials, the vendor's errors as ours, and the protocol its engines follow.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar, Final

from akool_async.errors import (
    AkoolError,
    AvatarAbsentError,
    DisconnectedError,
    InvalidParameterError,
    JoinError,
    JoinTimeoutError,
    MessageTooLargeError,
    SendError,
)
from akool_async.media import MediaTransport
from akool_async.transport.contract import ConnectionChange, JoinTarget, Transport, TransportStats
from akool_async.transport.engines.engine import AnyEngine, EngineError
from akool_async.transport.engines.media import EngineMediaTransport
from akool_async.transport.engines.participants import ParticipantTracker
from akool_async.transport.file_limit import check_file_limit
from akool_async.transport.people import Participant

__all__ = ["EngineTransport"]

logger = logging.getLogger(__name__)

#: Seconds until a packet that was refused for now is tried again.
RETRY_AFTER: Final = 0.05
#: Seconds for freeing what a failed or cancelled join left.
CLEANUP_TIMEOUT: Final = 5.0
#: Seconds for which a rejoined room waits for the avatar, before its absence is reported.
AVATAR_TIMEOUT: Final = 5.0


class EngineTransport(Transport):
    """One room, joined through an engine that the subclass chose.

    The subclass calls `_use` in its `__init__`, and says in its docstring which options it takes.
    """

    #: For messages: the vendor's name, and what it calls a room.
    vendor: ClassVar[str]
    place: ClassVar[str]
    #: The names of the options it takes.
    option_names: ClassVar[tuple[str, ...]] = ("engine", "simulator_url")

    #: File descriptors that one room takes while it is joined.
    files_per_join: ClassVar[int] = 8

    _engine: AnyEngine
    _participants: ParticipantTracker

    @classmethod
    def check_option_names(cls, options: Mapping[str, Any]) -> None:
        """Refuses options that the transport doesn't know, with `InvalidParameterError`."""
        for option in options:
            if option not in cls.option_names:
                raise InvalidParameterError(
                    option, f"the {cls.name} transport takes {', '.join(cls.option_names)} only"
                )

    @classmethod
    def check_file_limit(cls) -> None:
        """Refuses to join where too few files may be opened, with `JoinError`."""
        check_file_limit(cls.files_per_join, f"{cls.vendor} {cls.place}")

    @classmethod
    def loopback_options(cls, base_url: str) -> Mapping[str, Any]:
        """The vendor's servers can't run on this machine: its simulator has a relay instead."""
        return {"engine": "loopback", "simulator_url": base_url}

    @staticmethod
    def avatar_id(target: JoinTarget, options: Mapping[str, Any], option: str) -> str | None:
        """The avatar's id as given by that option; `None`: whoever is there first is the avatar.

        Raises:
            InvalidParameterError: it has to be given, for the room is the user's own.
        """
        avatar = options.get(option)
        if avatar is None and target.own_room:
            what = option.removeprefix("avatar_").replace("_", " ")
            raise InvalidParameterError(
                option, f"give the avatar's {what}: anybody may be in a room of your own"
            )
        return None if avatar is None else str(avatar)

    @property
    def avatar_publishing(self) -> bool | None:
        """See `Transport.avatar_publishing`; `None` where the engine can't say."""
        return self._participants.avatar_publishing

    @property
    def participants(self) -> tuple[Participant, ...]:
        """See `Transport.participants`; those whom the engine announces."""
        return self._participants.here

    @property
    def media(self) -> MediaTransport | None:
        """See `Transport.media`; `None` where the engine carries packets only."""
        return self._media

    def _use(
        self, engine: AnyEngine, participants: ParticipantTracker, stats: TransportStats
    ) -> None:
        self.stats = stats
        self._engine = engine
        self._participants = participants
        #: An engine of the user's own may carry packets only.
        media = getattr(engine, "media", None)
        self._media = None if media is None else EngineMediaTransport(media, participants)
        self._join_lock = asyncio.Lock()
        #: The time limit of the join in progress; `close` ends it.
        self._join_limit: asyncio.Timeout | None = None
        self._connect_called = False

    @abc.abstractmethod
    async def _enter(self) -> None:
        """Joins the room with the engine, which reports to `_participants`.

        Raises:
            EngineError: the vendor refused.
        """

    async def _enter_again(self) -> None:
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
        self._participants.inbox.check()
        if self._connect_called:
            raise JoinError("connect() was called before", retryable=False)
        self._connect_called = True
        entered = False
        try:
            async with self._joining(timeout):
                self.check_file_limit()
                await self._enter()
                entered = True
                await self._participants.wait_for_avatar()
        except BaseException as error:
            await self._leave(CLEANUP_TIMEOUT)
            if isinstance(error, EngineError):
                raise self._join_error(error) from error
            if not isinstance(error, TimeoutError):
                raise
            self._participants.inbox.check()
            where = f"The {self.vendor} {self.place}"
            if entered:
                raise AvatarAbsentError(
                    f"{where} was joined, but the avatar didn't come in {timeout:g} s."
                ) from error
            raise JoinTimeoutError(f"{where} wasn't joined in {timeout:g} s.") from error
        self._participants.connected = True

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
            self._participants.inbox.check()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._engine.send(packet)
            except EngineError as error:
                late = loop.time() + RETRY_AFTER >= deadline
                if late or not self._refused_for_now(error):
                    self._participants.inbox.check()
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
        return await self._participants.inbox.get()

    async def reconnect(self, *, timeout: float) -> None:
        """Leaves the room and joins it again; waits up to 5 s of `timeout` for the avatar.

        If the avatar doesn't come, `AVATAR_LEFT` follows `RECONNECTED`.

        Raises:
            DisconnectedError: it couldn't; the room is gone for good.
        """
        self._participants.inbox.check()
        participants = self._participants
        participants.report_reconnecting()
        was_present = participants.avatar_present
        try:
            async with self._joining(timeout) as limit:
                participants.begin_rejoin()
                await self._leave(min(timeout / 2, CLEANUP_TIMEOUT))
                await self._enter_again()
                if was_present:
                    await self._wait_for_avatar(limit)
        except BaseException as error:
            participants.finish(
                DisconnectedError(
                    f"The {self.vendor} {self.place} couldn't be joined again: "
                    f"{self._rejoin_problem(error, timeout)}",
                    reason="connection_lost",
                    retryable=False,
                )
            )
            await self._leave(CLEANUP_TIMEOUT)
            if not isinstance(error, Exception):
                raise
            ended = participants.inbox.error
            assert ended is not None
            raise DisconnectedError(
                str(ended), reason=ended.reason, retryable=ended.retryable
            ) from error
        participants.report_reconnected()
        participants.end_rejoin()

    async def close(self, *, timeout: float = 5.0) -> None:
        """Leaves. See `Transport.close`."""
        self._participants.finish(
            DisconnectedError(f"The {self.vendor} {self.place} was left.", reason="closed")
        )
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        await self._close_media(timeout / 4)
        if self._join_limit is not None and not self._join_limit.expired():
            self._join_limit.reschedule(loop.time())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout / 2), self._join_lock:
                pass  # a join in progress has ended, and what it opened can be closed
        await self._leave(until - loop.time())

    async def _close_media(self, timeout: float) -> None:
        if self._media is None:
            return
        try:
            async with asyncio.timeout(timeout):
                await self._media.close()
        except Exception as error:  # noqa: BLE001 - an engine of the user's own may raise anything
            logger.warning(
                "closing the media of the %s %s failed: %s",
                self.vendor,
                self.place,
                type(error).__name__,
            )

    @contextlib.asynccontextmanager
    async def _joining(self, timeout: float) -> AsyncIterator[asyncio.Timeout]:
        """One join at a time, in `timeout` seconds; `close` ends it at once.

        Raises:
            TimeoutError: the time is up, or the transport was closed.
            DisconnectedError: the transport was closed, but the engine has joined all the same.
        """
        async with asyncio.timeout(timeout) as limit, self._join_lock:
            self._participants.inbox.check()
            self._join_limit = limit
            try:
                yield limit
            finally:
                self._join_limit = None
            self._participants.inbox.check()

    async def _wait_for_avatar(self, limit: asyncio.Timeout) -> None:
        until = limit.when()
        assert until is not None
        left = until - asyncio.get_running_loop().time()
        # The room is joined: from now on only `close` ends it.
        limit.reschedule(None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(AVATAR_TIMEOUT, left)):
                await self._participants.wait_for_avatar()

    def _rejoin_problem(self, error: BaseException, timeout: float) -> str:
        if isinstance(error, EngineError):
            return str(self._join_error(error))
        if isinstance(error, TimeoutError):
            return f"not in time ({timeout:g} s)"
        if isinstance(error, asyncio.CancelledError):
            return "it was cancelled"
        # Other errors may be the user's own and may quote credentials.
        return str(error) if isinstance(error, AkoolError) else type(error).__name__

    async def _leave(self, timeout: float) -> None:
        """Leaves, in `timeout` seconds at most, and also while being cancelled."""
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
