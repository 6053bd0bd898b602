"""The LiveKit transport: reliable packets without a topic, to and from one avatar.

The ten rules of docs/livekit.md: 1 and 2 are kept in `join_limiter`, 3, 7 and 8 in `participants`,
4 in `sender_filter`, 10 in `joining` and here. The session above keeps 5 (answers decide), 6 (one
sender; the time limit of a packet is here) and 9 (an answered command comes before the first chat).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from akool_async.errors import (
    AkoolError,
    AvatarAbsentError,
    DisconnectedError,
    JoinError,
    MissingDependencyError,
    SendError,
)
from akool_async.stream.limits import LIVEKIT
from akool_async.transport import (
    ConnectionChange,
    Inbox,
    JoinTarget,
    Participant,
    Transport,
    TransportStats,
)
from akool_async.transport.file_limit import check_file_limit
from akool_livekit.fork_check import check_not_forked
from akool_livekit.join_limiter import leave_room
from akool_livekit.joining import FILES_PER_JOIN, Joiner, await_end, check_size, publish
from akool_livekit.media import LiveKitMedia
from akool_livekit.participants import ParticipantTracker
from akool_livekit.reasons import ended_text, reason_name
from akool_livekit.sender_filter import SenderFilter
from akool_livekit.speech_audio import DataStreamSpeech

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["LiveKitTransport"]

_INSTALL: Final = 'pip install "akool-async[livekit]"'
#: A rejoin with a new token may take this long, in seconds.
_REJOIN_TIMEOUT: Final = 30.0
_LEAVE_TIMEOUT: Final = 5.0


class LiveKitTransport(Transport):
    """One LiveKit room. Takes no options."""

    name: ClassVar[str] = "livekit"
    limits = LIVEKIT

    @classmethod
    def preflight(cls, options: Mapping[str, Any]) -> None:
        """Checks that the `livekit` package is there and that one more room's files can be opened.

        Raises:
            MissingDependencyError: `livekit` isn't installed.
            InvalidParameterError: any option.
            JoinError: the file limit is too low (says the number needed), or the client was used
                before this process was forked.
        """
        super().preflight(options)
        _require_livekit()
        check_not_forked()
        check_file_limit(FILES_PER_JOIN, "LiveKit room")

    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        """Keeps what it is given.

        Raises:
            InvalidParameterError: credentials of another kind, without a token, or with a URL that
                isn't ws or wss; or any option.
        """
        super().preflight(options)
        self._joiner = Joiner(target)
        self.stats = TransportStats()
        self._inbox = Inbox(self.stats)
        avatar = self._joiner.credentials.livekit_server_identity
        senders = SenderFilter(avatar, own_room=target.own_room)
        self._participants = ParticipantTracker(senders, self._inbox, self.stats)
        self._participants.on_disconnected = self._disconnected
        self._media: LiveKitMedia | None = None
        self._room: rtc.Room | None = None
        self._speech: DataStreamSpeech | None = None
        if self._joiner.credentials.audio_only_from_data_stream:
            self._speech = DataStreamSpeech(self._usable_room, lambda: senders.avatar)
        #: Set while packets can be handed to `_room`, and once the room is gone for good.
        self._up = asyncio.Event()
        self._over = asyncio.Event()
        self._used = False
        self._closing = asyncio.Lock()
        self._rejoining = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    @property
    def media(self) -> LiveKitMedia:
        """Audio and video of the room. See `Transport.media`."""
        if self._media is None:
            self._media = LiveKitMedia(self._participants, self._usable_room)
        return self._media

    @property
    def avatar_publishing(self) -> bool:
        """Whether the avatar has published a track. See `Transport.avatar_publishing`."""
        return self._participants.avatar_publishing

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Who is in the room. See `Transport.participants`."""
        return self._participants.people.here

    def follow_speakers(self) -> None:
        """See `Transport.follow_speakers`."""
        self._participants.people.follow_speakers(self._participants.room)

    @property
    def speech_audio(self) -> DataStreamSpeech | None:
        """Data streams, where the avatar's credentials ask for them."""
        return self._speech

    async def connect(self, *, timeout: float) -> None:
        """Joins and waits until the avatar is there and receives. See `Transport.connect`."""
        _require_livekit()
        if self._used:
            raise JoinError("connect() was called before, or after close()", retryable=False)
        self._used = True
        until = asyncio.get_running_loop().time() + timeout
        try:
            await self._enter(until)
        except BaseException:
            await self.close()
            raise
        self._participants.look_around()
        self._participants.connected = True

    async def send(self, packet: bytes, *, timeout: float) -> None:
        """Publishes one packet; while the client reconnects it holds the packet and sends it later.

        Raises:
            MessageTooLargeError: more than 15,000 bytes.
            SendError: not taken in time (it may go out all the same), or refused.
            DisconnectedError: the room is gone for good.
        """
        check_size(packet)
        refused: SendError | None = None
        try:
            async with asyncio.timeout(timeout):
                try:
                    await publish(await self._usable_room(), packet)
                except SendError as error:
                    # A connection that broke refuses packets until the client notices it; then it
                    # holds them. What was refused isn't on its way.
                    refused = error
                    await self._await_end()
                    refused = None
                    await publish(await self._usable_room(), packet)
        except TimeoutError as error:
            self._inbox.check()
            if refused is not None:
                raise refused from error
            raise SendError(
                f"the LiveKit room didn't take a packet within {timeout:g} s; "
                "it may be on its way all the same",
                retryable=False,
            ) from error
        except SendError:
            await self._await_end()
            raise
        self.stats.packets_sent += 1
        self.stats.bytes_sent += len(packet)

    async def receive(self) -> bytes | ConnectionChange:
        """The next packet or change. See `Transport.receive`."""
        return await self._inbox.get()

    async def reconnect(self, *, timeout: float) -> None:
        """Leaves and joins again, with a fresh client. See `Transport.reconnect`."""
        self._inbox.check()
        try:
            await self._rejoin(timeout)
        except Exception as error:
            self._inbox.check()
            why = str(error) if isinstance(error, AkoolError) else type(error).__name__
            text = f"the LiveKit room couldn't be joined again: {why}"
            ended = DisconnectedError(text, reason="connection_lost", retryable=True)
            self._end(ended)
            raise ended from error
        except asyncio.CancelledError:
            # Left and not joined again: there is no room to go on in.
            text = "joining the LiveKit room again was cancelled"
            self._end(DisconnectedError(text, reason="connection_lost", retryable=True))
            raise

    async def close(self, *, timeout: float = 5.0) -> None:
        """Leaves; a join in progress is given up first. See `Transport.close`."""
        self._used = True
        self._end(DisconnectedError(ended_text("closed"), reason="closed"))
        async with self._closing:
            self._participants.stop()
            if self._media is not None:
                await self._media.close()
            renewal, self._renewal = self._renewal, None
            if renewal is not None:
                renewal.cancel()
                await asyncio.wait({renewal}, timeout=timeout)
            with contextlib.suppress(TimeoutError):
                # It notices that it is over, and leaves the room that it may still get.
                async with asyncio.timeout(timeout / 2), self._rejoining:
                    pass
            room, self._room = self._room, None
            if room is not None:
                await leave_room(room, timeout=timeout / 2)

    async def _enter(self, until: float) -> None:
        """Joins and waits for the avatar; if that fails, the room is left."""
        room = await self._join_unless_over(until)
        self._room = room
        try:
            self._raise_join_ended()
            await self._wait_for_avatar(until)
            self._raise_join_ended()
        except BaseException:
            if self._room is room:
                self._room = None
                self._participants.forget_room()
                await leave_room(room, timeout=_LEAVE_TIMEOUT)
            raise
        self._up.set()

    async def _join_unless_over(self, until: float) -> rtc.Room:
        """Joins; gives up as soon as the transport is closed."""
        join = asyncio.ensure_future(self._joiner.join(self._participants, until))
        over = asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait({join, over}, return_when=asyncio.FIRST_COMPLETED)
            if not join.done():
                # Bounded: what the native part can't stop goes on in the background and is left.
                join.cancel()
                await asyncio.wait({join})
        except asyncio.CancelledError:
            join.cancel()
            await asyncio.wait({join})
            if not join.cancelled() and join.exception() is None:
                await leave_room(join.result(), timeout=_LEAVE_TIMEOUT)
            raise
        finally:
            over.cancel()
        if not join.cancelled():
            return join.result()
        self._raise_join_ended()
        raise AssertionError("only the end of the transport cancels a join")

    async def _wait_for_avatar(self, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await self._participants.avatar_here.wait()
        except TimeoutError as error:
            senders = self._participants.senders
            who = f"the avatar ({senders.avatar})" if senders.avatar else "the avatar"
            how = (
                "is in the LiveKit room but can't hear"
                if senders.present
                else ("didn't come into the LiveKit room")
            )
            raise AvatarAbsentError(f"{who} {how} in time") from error

    async def _rejoin(self, timeout: float, *, renew: bool = False) -> None:
        """Leaves and joins again, and reports both."""
        async with self._rejoining:
            self._inbox.check()
            until = asyncio.get_running_loop().time() + timeout
            self._up.clear()
            self._participants.reconnecting()
            self._participants.forget_room()
            room, self._room = self._room, None
            if room is not None:
                await leave_room(room, timeout=min(timeout / 2, _LEAVE_TIMEOUT))
            if renew:
                await self._joiner.renew(until)
            await self._enter(until)
            self._participants.reconnected(lossy=True)
            if self._media is not None and self._room is not None:
                self._media.rejoined(self._room)

    async def _renew_and_rejoin(self, reason: str) -> None:
        """Answers a disconnection whose cause is the token (rule 10)."""
        try:
            await self._rejoin(_REJOIN_TIMEOUT, renew=True)
        except Exception as error:  # noqa: BLE001 - renewing runs the session owner's code
            text = f"{ended_text(reason)}: {self._joiner.without_secrets(str(error))}"
            ended = DisconnectedError(text, reason=reason)
            ended.__cause__ = error
            self._end(ended)

    def _disconnected(self, vendor: str) -> None:
        reason = reason_name(vendor, self._joiner.token)
        by_token = reason in ("token_expired", "join_failure")
        if by_token and self._participants.connected and self._joiner.can_renew:
            self._up.clear()
            if self._renewal is None or self._renewal.done():
                self._renewal = asyncio.get_running_loop().create_task(
                    self._renew_and_rejoin(reason), name="livekit renewal"
                )
            return
        again = reason == "connection_lost"
        self._end(DisconnectedError(ended_text(reason), reason=reason, retryable=again))

    async def _usable_room(self) -> rtc.Room:
        if not self._up.is_set():
            if not self._participants.connected:
                raise SendError("send() needs a connected transport", retryable=False)
            await self._up.wait()
        self._inbox.check()
        assert self._room is not None
        return self._room

    async def _await_end(self) -> None:
        await await_end(self._over)
        self._inbox.check()

    def _end(self, error: DisconnectedError) -> None:
        self._inbox.finish(error)
        if self._speech is not None:
            self._speech.ended(error)
        self._over.set()
        # Wakes what waits: it sees that it is over.
        self._up.set()
        self._participants.avatar_here.set()

    def _raise_join_ended(self) -> None:
        error = self._inbox.error
        if error is not None:
            raise JoinError(f"it ended while being joined: {error}") from error


def _require_livekit() -> None:
    try:
        there = importlib.util.find_spec("livekit.rtc") is not None
    except ModuleNotFoundError:
        there = False
    if not there:
        raise MissingDependencyError("The livekit package isn't installed.", install=_INSTALL)
