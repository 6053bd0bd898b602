"""The meeting's avatar in a real LiveKit room: speech in, sound, picture and reports out."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable

from livekit import rtc

from akool_async.simulator.meeting.output import SpeechOutput
from akool_async.simulator.meeting.player import MeetingPlayer, Segment
from akool_async.simulator.meeting.protocol import CLEAR, REPORT_TIMEOUT, TOPIC, MeetingStay
from akool_async.simulator.meeting.track import TrackSpeech
from akool_async.simulator.rooms.livekit_server.following import follow_microphones
from akool_async.simulator.rooms.livekit_server.voice import TalkingFace

__all__ = ["RoomMeeting"]

logger = logging.getLogger(__name__)


class RoomMeeting(MeetingStay):
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
        super().__init__(player)
        self._room = room
        self._tracks = tracks
        self._voice = voice
        self._face = face
        self._stop_following: Callable[[], None] | None = None

    async def start(self) -> None:
        """See `MeetingStay`; publishes its picture, too, if it has one."""
        self._player.output = self._voice
        self._room.register_byte_stream_handler(TOPIC, self._stream)
        self._room.local_participant.register_rpc_method(CLEAR, self._clear)
        if self._tracks:
            self._stop_following = follow_microphones(self._room, self._tasks, self._hear)
        if self._face is not None:
            await self._face.publish(self._room)
            self._tasks.spawn(self._face.run(), "simulator-meeting-face")
        await super().start()

    async def _hear(self, sender: str, sound: AsyncIterator[bytes]) -> None:
        speech = TrackSpeech(self._player, sender)
        try:
            async for pcm in sound:
                speech.feed(pcm)
        finally:
            speech.close()

    async def stop(self) -> None:
        """Ends its tasks."""
        if self._stop_following is not None:
            self._stop_following()
        await super().stop()

    def _stream(self, reader: rtc.ByteStreamReader, sender: str) -> None:
        segment = self._begin(sender, reader.info.attributes or {})
        if segment is None:
            reader.close()
            return
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

    async def _call(self, callee: str, method: str, payload: str) -> None:
        try:
            await self._room.local_participant.perform_rpc(
                destination_identity=callee,
                method=method,
                payload=payload,
                response_timeout=REPORT_TIMEOUT,
            )
        except rtc.RpcError as error:
            logger.debug("%s to %s: %s (%s)", method, callee, error.code, error.message)
