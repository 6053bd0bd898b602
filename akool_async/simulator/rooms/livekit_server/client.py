"""A participant of the simulator in a real LiveKit room: its avatar, or a stranger.

The avatar publishes an audio track, silent where the simulator has no media, as the service's does:
a participant without a track is announced up to three seconds late (docs/livekit.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final

from livekit import rtc

from akool_async.simulator.meeting.player import MeetingPlayer
from akool_async.simulator.rooms.livekit_server.meeting import RoomMeeting
from akool_async.simulator.rooms.livekit_server.voice import SAMPLE_RATE, RoomVoice, TalkingFace
from akool_async.simulator.rooms.room import RoomListener
from akool_async.transport.native import finish, settle_at_exit

if TYPE_CHECKING:
    from akool_async.simulator.media.avatar_media import AvatarMedia
    from akool_async.simulator.rooms.livekit_server.media import RoomMedia

__all__ = ["RoomClient"]

logger = logging.getLogger(__name__)

#: Seconds that joining, and leaving, may take.
_JOIN_TIMEOUT: Final = 20.0
_LEAVE_TIMEOUT: Final = 5.0
#: Milliseconds of sound that wait to be played; more would be heard after an interrupt.
_QUEUE: Final = 200


class RoomClient:
    """A participant. Joins once."""

    def __init__(
        self, listener: RoomListener | None = None, media: AvatarMedia | None = None
    ) -> None:
        """`media`: what its tracks carry; `None`: silence."""
        self._listener = listener
        self._face = media
        self.media: RoomMedia | None = None
        self._room: rtc.Room | None = None
        self._source: rtc.AudioSource | None = None
        self._meeting: RoomMeeting | None = None

    async def join(self, url: str, token: str, *, track: bool) -> None:
        """Joins, and publishes a silent track, or its face and its voice, where asked to.

        Raises:
            TimeoutError: not in time.
            livekit.rtc.ConnectError: refused, or the server isn't there.
        """
        settle_at_exit()
        room = rtc.Room()
        # Before connecting: what comes until `connect()` returns would be missed.
        handlers = _RoomHandlers(room, self._listener) if self._listener is not None else None
        options = rtc.RoomOptions(
            auto_subscribe=False,
            rtc_config=rtc.RtcConfiguration(
                continual_gathering_policy=rtc.ContinualGatheringPolicy.GATHER_ONCE
            ),
        )
        await _run_bounded(room.connect(url, token, options), _JOIN_TIMEOUT, room)
        self._room = room
        if handlers is not None:
            for participant in list(room.remote_participants.values()):
                handlers.seen(participant)
        try:
            if track and self._face is not None:
                # Needs PyAV, which a room of text doesn't.
                from akool_async.simulator.rooms.livekit_server.media import RoomMedia

                self.media = RoomMedia(room, self._face)
                async with asyncio.timeout(_JOIN_TIMEOUT):
                    await self.media.publish()
            elif track:
                await self._publish_silence(room)
        except BaseException:
            await self.leave()
            raise

    @property
    def identity(self) -> str:
        """Who we are in the room."""
        if self._room is None:
            raise RuntimeError("not in the room")
        return self._room.local_participant.identity

    async def send(self, packet: bytes, *, topic: str = "", to: Sequence[str] = ()) -> None:
        """Sends to all, or to those named; a packet that the room doesn't take is lost."""
        if self._room is None:
            return
        try:
            await self._room.local_participant.publish_data(
                packet, topic=topic, destination_identities=list(to)
            )
        except rtc.participant.PublishDataError as error:
            logger.debug("the room took no packet: %s", error)

    async def meet(self, player: MeetingPlayer, *, tracks: bool) -> None:
        """Speaks what others send it, by the track that it published.

        `tracks`: what they say in their microphones, too.
        """
        assert self._room is not None
        if self._face is not None:
            from akool_async.simulator.rooms.meeting_media import MouthOutput, speak_microphones

            mouth = MouthOutput(self._face.mouth)
            if tracks:
                speak_microphones(self._face, player)
                assert self.media is not None
                self.media.hear_microphones()
            self._meeting = RoomMeeting(self._room, player, mouth, tracks=False)
        else:
            assert self._source is not None
            voice = RoomVoice(self._source)
            face = TalkingFace(voice)
            self._meeting = RoomMeeting(self._room, player, voice, face=face, tracks=tracks)
        async with asyncio.timeout(_JOIN_TIMEOUT):
            await self._meeting.start()

    async def leave(self) -> None:
        """Leaves; twice is fine."""
        meeting, self._meeting = self._meeting, None
        if meeting is not None:
            await meeting.stop()
        media, self.media = self.media, None
        if media is not None:
            await media.stop()
        room, self._room = self._room, None
        if room is not None:
            with contextlib.suppress(TimeoutError):
                await _run_bounded(room.disconnect(), _LEAVE_TIMEOUT, None)
        if media is not None:
            await media.close()
        source, self._source = self._source, None
        if source is not None:
            await source.aclose()

    async def _publish_silence(self, room: rtc.Room) -> None:
        self._source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=_QUEUE)
        track = rtc.LocalAudioTrack.create_audio_track("voice", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        async with asyncio.timeout(_JOIN_TIMEOUT):
            await room.local_participant.publish_track(track, options)


class _RoomHandlers:
    """The handlers of one room: they report every participant once."""

    def __init__(self, room: rtc.Room, listener: RoomListener) -> None:
        self._listener = listener
        self._here: set[str] = set()
        room.on("data_received", self._data)
        room.on("participant_connected", self.seen)
        room.on("participant_active", self.seen)
        room.on("participant_disconnected", self._left)

    def seen(self, participant: rtc.RemoteParticipant) -> None:
        """A participant is there, or has become active."""
        active = participant.state == rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
        if active and participant.identity not in self._here:
            self._here.add(participant.identity)
            self._listener.joined(participant.identity)

    def _left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity in self._here:
            self._here.discard(participant.identity)
            self._listener.left(participant.identity)

    def _data(self, packet: rtc.DataPacket) -> None:
        if not packet.topic:
            participant = packet.participant
            sender = participant.identity if participant is not None else ""
            self._listener.packet(packet.data, sender)


async def _run_bounded(
    work: Coroutine[Any, Any, None], timeout: float, room: rtc.Room | None
) -> None:
    """Runs what mustn't be cancelled; after a time-out, `room` is left once it is done."""

    async def whole() -> None:
        await work
        if timed_out and room is not None:
            await room.disconnect()

    timed_out = False
    task = finish(whole(), "livekit room")
    try:
        await asyncio.wait({task}, timeout=timeout)
    finally:
        if not task.done():
            timed_out = True
            task.add_done_callback(_note)
    if timed_out:
        raise TimeoutError(f"the LiveKit server didn't answer within {timeout:g} s")
    task.result()


def _note(task: asyncio.Task[None]) -> None:
    if (error := task.exception()) is not None:
        logger.debug("ended after its time-out: %s", type(error).__name__)
