"""An Agora channel as a `Transport`, over whichever engine is there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from akool_agora.choosing import check_engine, make_engine
from akool_agora.engine import EngineError, Room
from akool_agora.errors import NOT_IN_CHANNEL, TOKEN_EXPIRED, TOO_FAST, join_error, send_error
from akool_agora.presence import Presence
from akool_async.errors import (
    AvatarAbsentError,
    DisconnectedError,
    InvalidParameterError,
    JoinTimeoutError,
    MessageTooLargeError,
    SendError,
)
from akool_async.models.credentials import AgoraCredentials
from akool_async.stream.limits import AGORA, PacketLimits
from akool_async.transport import (
    ConnectionChange,
    ConnectionState,
    JoinTarget,
    Transport,
    TransportStats,
)

__all__ = ["AgoraTransport"]

logger = logging.getLogger(__name__)

#: Seconds until a packet that was refused for now is tried again.
RETRY_AFTER: Final = 0.05
#: Seconds for freeing what a failed or cancelled join left.
CLEANUP_TIMEOUT: Final = 5.0
#: Seconds for the session's owner to bring a new token, where Agora doesn't say how many are left.
RENEW_TIMEOUT: Final = 30.0
_OPTIONS: Final = ("engine", "simulator_url", "avatar_uid")


class AgoraTransport(Transport):
    """One Agora channel (PROTOCOL.md §2 "Limits": 1000 bytes, 6000 B/s, 60 packets/s).

    The data stream is unordered and unreliable. The token of session/create is good for five
    minutes to join with; before a token expires `JoinTarget.renew_credentials` is asked for new
    credentials, and without it the program gets the event alone.

    Options (`transport_options=`):
        engine: "sdk" (Agora's own Python SDK), "loopback" (the simulator's), an `Engine`, or a
            callable that makes one. Left out: the loopback engine where a simulator on this
            machine made the credentials, the SDK's otherwise.
        avatar_uid: the avatar's uid; needed in a room of your own, where others may be.
        simulator_url: where the loopback engine finds the simulator, if not in the credentials.
    """

    name: ClassVar[str] = "agora"
    limits: PacketLimits = AGORA

    @classmethod
    def preflight(cls, options: Mapping[str, Any]) -> None:
        """Checks the options and that there is an engine.

        Raises:
            MissingDependencyError: no engine: says how to install one.
            InvalidParameterError: an unknown option or engine.
        """
        for option in options:
            if option not in _OPTIONS:
                raise InvalidParameterError(
                    option, f"the agora transport takes {', '.join(_OPTIONS)} only"
                )
        avatar = options.get("avatar_uid")
        if avatar is not None and not str(avatar).isdecimal():
            raise InvalidParameterError("avatar_uid", f"{avatar!r} isn't an Agora uid (a number)")
        check_engine(options)

    @classmethod
    def loopback_options(cls, base_url: str) -> Mapping[str, Any]:
        """Agora's servers can't run on this machine: its simulator has a relay instead."""
        return {"engine": "loopback", "simulator_url": base_url}

    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        self._target = target
        self._credentials = _usable(target.credentials)
        avatar = options.get("avatar_uid")
        if avatar is None and target.own_room:
            raise InvalidParameterError(
                "avatar_uid", "give the avatar's uid: anybody may be in a room of your own"
            )
        self._engine = make_engine(options, self._credentials)
        self.stats = TransportStats()
        self._presence = Presence(
            self.stats,
            own_uid=str(self._credentials.agora_uid),
            avatar_uid=None if avatar is None else str(avatar),
            token_will_expire=self._token_will_expire,
        )
        self._renewal: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def connect(self, *, timeout: float) -> None:
        """Joins, and waits for the avatar. See `Transport.connect`.

        A token that has expired meanwhile is replaced once, where the session's owner can.
        """
        self._raise_if_ended()
        in_channel = False
        try:
            async with asyncio.timeout(timeout):
                await self._join()
                in_channel = True
                await self._presence.avatar_here()
        except BaseException as error:
            await self._leave(CLEANUP_TIMEOUT)
            if isinstance(error, EngineError):
                raise join_error(error) from error
            if not isinstance(error, TimeoutError):
                raise
            if in_channel:
                raise AvatarAbsentError(
                    f"The Agora channel was joined, but the avatar didn't come in {timeout:g} s."
                ) from error
            raise JoinTimeoutError(f"The Agora channel wasn't joined in {timeout:g} s.") from error

    async def send(self, packet: bytes, *, timeout: float) -> None:
        """Hands one packet to the data stream. See `Transport.send`.

        A packet that Agora refused for now (too fast, or not in the channel while reconnecting)
        was surely not sent and is tried again within `timeout`.

        Raises:
            MessageTooLargeError: more than 1000 bytes; nothing was sent.
        """
        if len(packet) > self.limits.max_bytes:
            raise MessageTooLargeError(
                "packet",
                f"{len(packet)} bytes, an Agora packet has {self.limits.max_bytes} at most",
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
                if late or (error.code not in TOO_FAST and error.code != NOT_IN_CHANNEL):
                    self._raise_if_ended()
                    raise send_error(error) from error
                await asyncio.sleep(RETRY_AFTER)
            except TimeoutError as error:
                raise SendError(
                    f"Agora didn't take a packet in {timeout:g} s.", retryable=True
                ) from error
            else:
                self.stats.packets_sent += 1
                self.stats.bytes_sent += len(packet)
                return

    async def receive(self) -> bytes | ConnectionChange:
        """The next packet or change. See `Transport.receive`."""
        return await self._presence.inbox.get()

    async def reconnect(self, *, timeout: float) -> None:
        """Leaves and joins anew, with new credentials where the session's owner gives some.

        Raises:
            DisconnectedError: it couldn't; the room is gone for good.
        """
        self._raise_if_ended()
        self._presence.reconnecting(0)
        try:
            async with asyncio.timeout(timeout):
                await self._engine.leave()
                if self._target.renew_credentials is not None:
                    await self._ask_for_credentials()
                await self._join()
        except (EngineError, TimeoutError) as error:
            self._presence.finish(
                DisconnectedError(
                    "The Agora channel couldn't be joined anew"
                    + (f": {join_error(error)}" if isinstance(error, EngineError) else " in time."),
                    reason="connection_lost",
                    retryable=False,
                )
            )
            await self._leave(CLEANUP_TIMEOUT)
            self._raise_if_ended()
        self._presence.reconnected(0)

    async def close(self, *, timeout: float = 5.0) -> None:
        """Leaves. See `Transport.close`."""
        self._presence.finish(DisconnectedError("The Agora channel was left.", reason="closed"))
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait({self._renewal}, timeout=timeout)
        await self._leave(timeout)

    async def _join(self) -> None:
        try:
            await self._engine.join(self._room(), self._presence)
        except EngineError as error:
            if error.code != TOKEN_EXPIRED or self._target.renew_credentials is None:
                raise
            await self._ask_for_credentials()
            await self._engine.join(self._room(), self._presence)

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
            logger.warning("the Agora engine didn't leave, though cancelled")
        elif not leaving.cancelled() and (error := leaving.exception()) is not None:
            logger.warning("leaving the Agora channel failed: %s", type(error).__name__)

    def _raise_if_ended(self) -> None:
        ended = self._presence.ended
        if ended is not None:
            raise DisconnectedError(
                str(ended), reason=ended.reason, retryable=ended.retryable
            ) from ended

    def _room(self) -> Room:
        credentials = self._credentials
        assert credentials.agora_token is not None  # _usable saw to it
        return Room(
            app_id=credentials.agora_app_id or "",
            channel=credentials.agora_channel,
            uid=credentials.agora_uid,
            token=credentials.agora_token.get_secret_value(),
        )

    async def _ask_for_credentials(self) -> None:
        assert self._target.renew_credentials is not None
        self._credentials = _usable(await self._target.renew_credentials())

    def _token_will_expire(self, seconds_left: float | None) -> None:
        if self._target.renew_credentials is None:
            return
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.get_running_loop().create_task(
                self._renew(seconds_left or RENEW_TIMEOUT), name="agora token renewal"
            )

    async def _renew(self, timeout: float) -> None:
        try:
            async with asyncio.timeout(timeout):
                await self._ask_for_credentials()
                await self._engine.renew_token(self._room().token)
        except Exception as error:  # noqa: BLE001 - the owner's hook may raise anything
            # The message may quote the credentials, so only its type is told.
            logger.warning("renewing the Agora token failed: %s", type(error).__name__)
            self._presence.inbox.put(
                ConnectionChange(
                    ConnectionState.TOKEN_EXPIRING,
                    f"renewing the token failed ({type(error).__name__})",
                )
            )


def _usable(credentials: object) -> AgoraCredentials:
    if not isinstance(credentials, AgoraCredentials):
        raise InvalidParameterError(
            "credentials",
            f"{type(credentials).__name__} don't lead into an Agora channel",
        )
    for field in ("agora_token", "agora_app_id"):
        if getattr(credentials, field) is None:
            raise InvalidParameterError(
                field,
                "is missing; only session/create tells it, so keep the credentials it returned",
            )
    return credentials
