"""An Agora channel as a `Transport`, over whichever engine is there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from akool_agora.engine import Engine, EngineError, Room
from akool_agora.engine_factory import check_engine, make_engine
from akool_agora.errors import NOT_IN_CHANNEL, TOKEN_EXPIRED, TOO_FAST, join_error, send_error
from akool_agora.participants import AgoraParticipants
from akool_async.errors import InvalidParameterError, JoinError, JoinRefusedError, SendError
from akool_async.models.credentials import AgoraCredentials
from akool_async.stream.limits import AGORA, PacketLimits
from akool_async.transport import ConnectionChange, ConnectionState, JoinTarget, TransportStats
from akool_async.transport.engines.engine import checked_credentials
from akool_async.transport.engines.transport import CLEANUP_TIMEOUT, EngineTransport
from akool_async.transport.renewal import renewed_credentials

__all__ = ["AgoraTransport"]

logger = logging.getLogger("akool_async.transport.agora")

#: Seconds for the session's owner to bring a new token, where Agora doesn't say how many are left.
RENEW_TIMEOUT: Final = 30.0


class AgoraTransport(EngineTransport):
    """One Agora channel (docs/protocol.md §2 "Limits": 1000 bytes, 6000 B/s, 60 packets/s).

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
    vendor: ClassVar[str] = "Agora"
    place: ClassVar[str] = "channel"
    option_names: ClassVar[tuple[str, ...]] = ("engine", "simulator_url", "avatar_uid")
    #: The SDK opens several sockets and event queues for a connection; an estimate.
    files_per_join: ClassVar[int] = 32

    _engine: Engine
    _participants: AgoraParticipants

    @classmethod
    def preflight(cls, options: Mapping[str, Any]) -> None:
        """Checks the options and that there is an engine.

        Raises:
            MissingDependencyError: no engine: says how to install one.
            InvalidParameterError: an unknown option or engine.
            JoinError: too few files may be opened; says the limit that is needed.
        """
        cls.check_option_names(options)
        avatar = options.get("avatar_uid")
        if avatar is not None and not str(avatar).isdecimal():
            raise InvalidParameterError("avatar_uid", f"{avatar!r} isn't an Agora uid (a number)")
        check_engine(options)
        cls.check_file_limit()

    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        self._target = target
        self._credentials = _usable(target.credentials)
        avatar = self.avatar_id(target, options, "avatar_uid")
        engine = make_engine(options, self._credentials)
        stats = TransportStats()
        participants = AgoraParticipants(
            stats,
            own_id=str(self._credentials.agora_uid),
            avatar_id=avatar,
            token_will_expire=self._token_will_expire,
        )
        self._use(engine, participants, stats)
        self._renewal: asyncio.Task[None] | None = None

    async def close(self, *, timeout: float = 5.0) -> None:
        """Leaves. See `Transport.close`."""
        if self._renewal is not None:
            self._renewal.cancel()
        try:
            await super().close(timeout=timeout)
        finally:
            if self._renewal is not None:
                await asyncio.wait({self._renewal}, timeout=1.0)

    async def _enter(self) -> None:
        """Joins; a token that has expired meanwhile is replaced once, where the owner can."""
        try:
            await self._join()
        except EngineError as error:
            if error.code != TOKEN_EXPIRED or self._target.renew_credentials is None:
                raise
            # The refused join may have left its connection, and the SDK's service with it.
            await self._leave(CLEANUP_TIMEOUT)
            await self._renew_credentials(RENEW_TIMEOUT)
            await self._join()

    async def _enter_again(self) -> None:
        if self._target.renew_credentials is not None:
            await self._renew_credentials(RENEW_TIMEOUT)
        await self._enter()

    async def _join(self) -> None:
        await self._engine.join(self._room(), self._participants)
        # An engine of the user's own may not report who publishes.
        self._participants.reports_tracks = getattr(self._engine, "reports_tracks", False)

    def _join_error(self, error: EngineError) -> JoinError:
        return join_error(error)

    def _send_error(self, error: EngineError) -> SendError:
        return send_error(error)

    def _refused_for_now(self, error: EngineError) -> bool:
        return error.code in TOO_FAST or error.code == NOT_IN_CHANNEL

    def _room(self) -> Room:
        credentials = self._credentials
        assert credentials.agora_token is not None  # checked by _usable
        return Room(
            app_id=credentials.agora_app_id or "",
            channel=credentials.agora_channel,
            uid=credentials.agora_uid,
            token=credentials.agora_token.get_secret_value(),
        )

    async def _renew_credentials(self, timeout: float) -> None:
        """Replaces the credentials by the owner's; in `timeout` seconds.

        Raises:
            JoinError: there are none, or they are for another kind of room.
        """
        assert self._target.renew_credentials is not None
        credentials = await renewed_credentials(
            self._target.renew_credentials, timeout=timeout, room="Agora channel"
        )
        try:
            self._credentials = _usable(credentials)
        except InvalidParameterError as error:
            raise JoinRefusedError(f"renew_credentials returned unusable ones: {error}") from error

    def _token_will_expire(self, seconds_left: float | None) -> None:
        if self._target.renew_credentials is None:
            return
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.get_running_loop().create_task(
                self._renew_token(seconds_left or RENEW_TIMEOUT), name="agora token renewal"
            )

    async def _renew_token(self, timeout: float) -> None:
        change = ConnectionChange(ConnectionState.TOKEN_RENEWED)
        try:
            async with asyncio.timeout(timeout):
                await self._renew_credentials(timeout)
                await self._engine.renew_token(self._room().token)
        except Exception as error:  # noqa: BLE001 - an engine of the user's own may raise anything
            # The message may quote the credentials, so only its type is given.
            why = type(error.__cause__ or error).__name__
            logger.warning("renewing the Agora token failed: %s", why)
            change = ConnectionChange(
                ConnectionState.TOKEN_EXPIRING,
                f"renewing the token failed ({why})",
            )
        self._participants.inbox.put(change)


def _usable(credentials: object) -> AgoraCredentials:
    return checked_credentials(
        credentials,
        AgoraCredentials,
        into="an Agora channel",
        needed=("agora_token", "agora_app_id"),
    )
