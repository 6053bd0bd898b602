"""A TRTC room as a `Transport`, over the engine it is given."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from akool_async.errors import (
    AvatarAbsentError,
    DisconnectedError,
    InvalidParameterError,
    JoinTimeoutError,
    MessageTooLargeError,
    SendError,
)
from akool_async.models.credentials import TRTCCredentials
from akool_async.stream.limits import TRTC, PacketLimits
from akool_async.transport import ConnectionChange, JoinTarget, Transport, TransportStats
from akool_trtc.choosing import check_engine, make_engine
from akool_trtc.engine import EngineError, Room
from akool_trtc.errors import NOT_ALLOWED, join_error, send_error
from akool_trtc.presence import Presence

__all__ = ["TRTCTransport"]

logger = logging.getLogger(__name__)

#: Seconds until a packet that was refused for now is tried again.
RETRY_AFTER: Final = 0.05
#: Seconds for freeing what a failed or cancelled join left.
CLEANUP_TIMEOUT: Final = 5.0
_OPTIONS: Final = ("engine", "simulator_url", "avatar_user_id")


class TRTCTransport(Transport):
    """One TRTC room (PROTOCOL.md §2 "Limits": 1000 bytes, 8000 B/s, 30 packets/s).

    Custom messages are reliable and ordered while the connection stands.

    Options (`transport_options=`):
        engine: an `Engine`, a callable that makes one, or "loopback" (the simulator's). Left out:
            the loopback engine where a simulator on this machine made the credentials.
        avatar_user_id: the avatar's; needed in a room of your own, where others may be.
        simulator_url: where the loopback engine finds the simulator, if not in the credentials.
    """

    name: ClassVar[str] = "trtc"
    limits: PacketLimits = TRTC

    @classmethod
    def preflight(cls, options: Mapping[str, Any]) -> None:
        """Checks the options and that there is an engine.

        Raises:
            MissingDependencyError: no engine: says how to pass one.
            InvalidParameterError: an unknown option or engine.
        """
        for option in options:
            if option not in _OPTIONS:
                raise InvalidParameterError(
                    option, f"the trtc transport takes {', '.join(_OPTIONS)} only"
                )
        check_engine(options)

    @classmethod
    def loopback_options(cls, base_url: str) -> Mapping[str, Any]:
        """TRTC's servers can't run on this machine: its simulator has a relay instead."""
        return {"engine": "loopback", "simulator_url": base_url}

    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        credentials = target.credentials
        if not isinstance(credentials, TRTCCredentials):
            raise InvalidParameterError(
                "credentials", f"{type(credentials).__name__} don't lead into a TRTC room"
            )
        if credentials.trtc_user_sig is None:
            raise InvalidParameterError(
                "trtc_user_sig",
                "is missing; only session/create tells it, so keep the credentials it returned",
            )
        avatar = options.get("avatar_user_id")
        if avatar is None and target.own_room:
            raise InvalidParameterError(
                "avatar_user_id",
                "give the avatar's user id: anybody may be in a room of your own",
            )
        self._room = Room(
            sdk_app_id=credentials.trtc_app_id,
            room_id=credentials.trtc_room_id,
            user_id=credentials.trtc_user_id,
            user_sig=credentials.trtc_user_sig.get_secret_value(),
        )
        self._engine = make_engine(options, credentials)
        self.stats = TransportStats()
        self._presence = Presence(
            self.stats,
            own_id=credentials.trtc_user_id,
            avatar_id=None if avatar is None else str(avatar),
        )

    async def connect(self, *, timeout: float) -> None:
        """Enters as an anchor, and waits for the avatar. See `Transport.connect`."""
        self._raise_if_ended()
        in_room = False
        try:
            async with asyncio.timeout(timeout):
                await self._engine.join(self._room, self._presence)
                in_room = True
                await self._presence.avatar_here()
        except BaseException as error:
            await self._leave(CLEANUP_TIMEOUT)
            if isinstance(error, EngineError):
                raise join_error(error) from error
            if not isinstance(error, TimeoutError):
                raise
            if in_room:
                raise AvatarAbsentError(
                    f"The TRTC room was joined, but the avatar didn't come in {timeout:g} s."
                ) from error
            raise JoinTimeoutError(f"The TRTC room wasn't joined in {timeout:g} s.") from error

    async def send(self, packet: bytes, *, timeout: float) -> None:
        """Sends one custom message. See `Transport.send`.

        A packet that TRTC refused for now (5100: too often, or not in the room while reconnecting)
        was surely not sent and is tried again within `timeout`.

        Raises:
            MessageTooLargeError: more than 1000 bytes; nothing was sent.
        """
        if len(packet) > self.limits.max_bytes:
            raise MessageTooLargeError(
                "packet",
                f"{len(packet)} bytes, a TRTC packet has {self.limits.max_bytes} at most",
                size=len(packet),
                limit=self.limits.max_bytes,
            )
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            self._raise_if_ended()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._engine.send(packet)
            except EngineError as error:
                late = asyncio.get_running_loop().time() + RETRY_AFTER >= deadline
                if late or error.code != NOT_ALLOWED:
                    self._raise_if_ended()
                    raise send_error(error) from error
                await asyncio.sleep(RETRY_AFTER)
            except TimeoutError as error:
                raise SendError(
                    f"TRTC didn't take a packet in {timeout:g} s.", retryable=True
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
        self._presence.reconnecting()
        try:
            async with asyncio.timeout(timeout):
                await self._engine.leave()
                await self._engine.join(self._room, self._presence)
        except (EngineError, TimeoutError) as error:
            self._presence.finish(
                DisconnectedError(
                    "The TRTC room couldn't be joined anew"
                    + (f": {join_error(error)}" if isinstance(error, EngineError) else " in time."),
                    reason="connection_lost",
                    retryable=False,
                )
            )
            await self._leave(CLEANUP_TIMEOUT)
            self._raise_if_ended()
        self._presence.reconnected()

    async def close(self, *, timeout: float = 5.0) -> None:
        """Leaves. See `Transport.close`."""
        self._presence.finish(DisconnectedError("The TRTC room was left.", reason="closed"))
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
            logger.warning("the TRTC engine didn't leave, though cancelled")
        elif not leaving.cancelled() and (error := leaving.exception()) is not None:
            logger.warning("leaving the TRTC room failed: %s", type(error).__name__)

    def _raise_if_ended(self) -> None:
        ended = self._presence.ended
        if ended is not None:
            raise DisconnectedError(
                str(ended), reason=ended.reason, retryable=ended.retryable
            ) from ended
