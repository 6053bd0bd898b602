"""The meeting's avatar in a real LiveKit room: speech in, sound, picture and reports out."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable

from livekit import rtc

from akool_async.simulator.meeting.output import SpeechOutput
from akool_async.simulator.meeting.player import MeetingPlayer, Segment
from akool_async.simulator.meeting.protocol import (
    CLEAR,
    FINISHED,
    REPORT_TIMEOUT,
    STARTED,
    TOPIC,
    audio_form,
    report,
)
from akool_async.simulator.meeting.track import TrackSpeech
from akool_async.simulator.rooms.livekit_server.following import follow_microphones
from akool_async.simulator.rooms.livekit_server.voice import SAMPLE_RATE, TalkingFace
from akool_async.simulator.tasks import Tasks

__all__ = ["RoomMeeting"]

logger = logging.getLogger(__name__)


class RoomMeeting:
    """One stay of the avatar in the room."""

    def __init__(
        self,
        room: rtc.Room,
        player: MeetingPlayer,
        voice: SpeechOutput,
        *,
        face: TalkingFace | None = None,
        tracks: bool,
    ) -> None:
        """
        Args:
            room: where it is.
            player: what plays.
            voice: by which it plays.
            face: which is published; `None`: the room has the avatar's picture already.
            tracks: speech comes in the microphones of others, too.
        """
        self._room = room
        self._player = player
        self._tracks = tracks
        self._voice = voice
        self._face = face
        self._tasks = Tasks()
        self._stop_following: Callable[[], None] | None = None

    async def start(self) -> None:
        """Takes what is sent from now on, and publishes its picture, if it has one."""
        player = self._player
        player.output = self._voice
        player.on_started = self._started
        player.on_finished = self._finished
        self._room.register_byte_stream_handler(TOPIC, self._stream)
        self._room.local_participant.register_rpc_method(CLEAR, self._clear)
        if self._tracks:
            self._stop_following = follow_microphones(
                self._room, self._tasks, SAMPLE_RATE, self._hear
            )
        if self._face is not None:
            await self._face.publish(self._room)
            self._tasks.spawn(self._face.run(), "simulator-meeting-face")
        self._tasks.spawn(player.run(), "simulator-meeting-player")

    async def _hear(self, sender: str, sound: AsyncIterator[bytes]) -> None:
        speech = TrackSpeech(self._player, sender, sample_rate=SAMPLE_RATE, channels=1)
        try:
            async for pcm in sound:
                speech.feed(pcm)
        finally:
            speech.close()

    async def stop(self) -> None:
        """Ends its tasks."""
        if self._stop_following is not None:
            self._stop_following()
        await self._tasks.stop()

    def _stream(self, reader: rtc.ByteStreamReader, sender: str) -> None:
        form = audio_form(reader.info.attributes or {})
        if form is None:
            logger.warning("speech of %s has no sample_rate and num_channels to play", sender)
            reader.close()
            return
        segment = self._player.begin(sender, *form)
        self._tasks.spawn(self._read(reader, segment), "simulator-meeting-stream")

    async def _read(self, reader: rtc.ByteStreamReader, segment: Segment) -> None:
        try:
            async for data in reader:
                segment.feed(data)
        except ConnectionError as error:
            # The sender left in the middle: as if its end mark were lost.
            logger.debug("speech of %s broke off: %s", segment.sender, error)
            return
        finally:
            reader.close()
        self._player.end(segment)

    def _clear(self, call: rtc.RpcInvocationData) -> str:
        logger.debug("%s clears", call.caller_identity)
        if self._player.refuses_clear:
            raise rtc.RpcError(rtc.RpcError.ErrorCode.APPLICATION_ERROR, "clearing is refused")
        self._player.clear()
        return "ok"

    async def _started(self, segment: Segment) -> None:
        if segment.way == "track":
            return
        # Not waited for: who didn't ask for it answers that there is no such method.
        self._tasks.spawn(self._call(segment.sender, STARTED, ""), "simulator-meeting-started")

    async def _finished(self, segment: Segment) -> None:
        await self._call(segment.sender, FINISHED, report(segment))

    async def _call(self, sender: str, method: str, payload: str) -> None:
        try:
            await self._room.local_participant.perform_rpc(
                destination_identity=sender,
                method=method,
                payload=payload,
                response_timeout=REPORT_TIMEOUT,
            )
        except rtc.RpcError as error:
            logger.debug("%s to %s: %s (%s)", method, sender, error.code, error.message)
