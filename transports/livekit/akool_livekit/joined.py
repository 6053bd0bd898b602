"""A LiveKit room that the program has joined by itself, as a transport.

For programs that are in the room already, a LiveKit agent for instance: the avatar is talked to
over their own connection, and no second participant joins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from akool_async.errors import (
    AvatarAbsentError,
    DisconnectedError,
    InvalidParameterError,
    JoinError,
    SendError,
)
from akool_async.models.credentials import LiveKitCredentials
from akool_async.stream.limits import LIVEKIT
from akool_async.transport import ConnectionChange, Inbox, JoinTarget, Transport, TransportStats
from akool_livekit.joining import check_size, publish
from akool_livekit.participants import ParticipantTracker
from akool_livekit.reasons import ended_text, reason_name
from akool_livekit.sender_filter import SenderFilter
from akool_livekit.speech_audio import DataStreamSpeech
from akool_livekit.transport import LiveKitTransport

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["JoinedRoomTransport"]


class JoinedRoomTransport(Transport):
    """The room of `transport_options={"room": …}`, a connected `livekit.rtc.Room`.

    It isn't left: whoever joined it does that.

        akool.open_session(
            …, room=OwnLiveKitRoom(…), transport=JoinedRoomTransport,
            transport_options={"room": room},
        )
    """

    name: ClassVar[str] = "livekit"
    limits = LIVEKIT

    @classmethod
    def preflight(cls, options: Mapping[str, Any]) -> None:
        """Checks the room, and what `LiveKitTransport` checks.

        Raises:
            InvalidParameterError: no connected room, or an option that isn't known.
            MissingDependencyError: `livekit` isn't installed.
        """
        LiveKitTransport.preflight({name: one for name, one in options.items() if name != "room"})
        from livekit import rtc

        room = options.get("room")
        if not isinstance(room, rtc.Room) or not room.isconnected():
            raise InvalidParameterError("room", "isn't a connected livekit.rtc.Room")

    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        """Keeps what it is given.

        Raises:
            InvalidParameterError: as `preflight`, or credentials that name no avatar.
        """
        self.preflight(options)
        credentials = target.credentials
        if not isinstance(credentials, LiveKitCredentials):
            raise InvalidParameterError("credentials", "aren't for a LiveKit room")
        avatar = credentials.livekit_server_identity
        if not avatar:
            raise InvalidParameterError("livekit_server_identity", "is missing")
        self._avatar: str = avatar
        self._room: rtc.Room = options["room"]
        self.stats = TransportStats()
        self._inbox = Inbox(self.stats)
        senders = SenderFilter(avatar, own_room=True)
        self._participants = ParticipantTracker(senders, self._inbox, self.stats)
        self._participants.on_disconnected = self._disconnected
        self._speech: DataStreamSpeech | None = None
        if credentials.audio_only_from_data_stream:
            self._speech = DataStreamSpeech(self._usable_room, lambda: avatar)

    @property
    def avatar_publishing(self) -> bool:
        """Whether the avatar has published a track. See `Transport.avatar_publishing`."""
        return self._participants.avatar_publishing

    @property
    def speech_audio(self) -> DataStreamSpeech | None:
        """Data streams, where the avatar's credentials ask for them."""
        return self._speech

    async def connect(self, *, timeout: float) -> None:
        """Waits until the avatar is in the room and receives. See `Transport.connect`."""
        participants = self._participants
        participants.listen(self._room)
        self._room.on("disconnected", self._left)
        for participant in list(self._room.remote_participants.values()):
            participants.announced(participant)
        try:
            async with asyncio.timeout(timeout):
                await participants.avatar_here.wait()
        except TimeoutError as error:
            await self.close()
            raise AvatarAbsentError(
                f"the avatar ({self._avatar}) didn't come into the LiveKit room in time"
            ) from error
        except BaseException:
            await self.close()
            raise
        ended = self._inbox.error
        if ended is not None:
            raise JoinError(f"it ended while the avatar was waited for: {ended}") from ended
        participants.connected = True

    async def send(self, packet: bytes, *, timeout: float) -> None:
        """Publishes one packet to the avatar. See `LiveKitTransport.send`."""
        check_size(packet)
        room = await self._usable_room()
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                # To the avatar alone: others in an agent's room have no use for it.
                await publish(room, packet, to=[self._avatar])
        except TimeoutError as error:
            if not limit.expired():
                raise
            text = f"the LiveKit room didn't take a packet within {timeout:g} s"
            raise SendError(text, retryable=False) from error
        self.stats.packets_sent += 1
        self.stats.bytes_sent += len(packet)

    async def receive(self) -> bytes | ConnectionChange:
        """The next packet or change. See `Transport.receive`."""
        return await self._inbox.get()

    async def close(self, *, timeout: float = 5.0) -> None:
        """Takes no more from the room, and leaves it joined."""
        del timeout
        self._participants.stop()
        self._room.off("disconnected", self._left)
        self._end(DisconnectedError(ended_text("closed"), reason="closed"))

    async def _usable_room(self) -> rtc.Room:
        self._inbox.check()
        return self._room

    def _left(self) -> None:
        """Also when the program itself leaves."""
        self._end(DisconnectedError(ended_text("closed"), reason="closed"))

    def _disconnected(self, vendor: str) -> None:
        reason = reason_name(vendor, "")
        self._end(DisconnectedError(ended_text(reason), reason=reason))

    def _end(self, error: DisconnectedError) -> None:
        self._inbox.finish(error)
        if self._speech is not None:
            self._speech.ended(error)
        self._participants.avatar_here.set()
