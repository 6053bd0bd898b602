"""Audio and video of a LiveKit room, through every room that the transport joins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from akool_async.concurrency import Tasks
from akool_async.errors import SendError
from akool_async.media import (
    AudioRequest,
    AudioSink,
    AudioWriter,
    MediaCapabilities,
    MediaSubscription,
    MediaTransport,
    TrackInfo,
    VideoRequest,
    VideoSink,
    VideoWriter,
)
from akool_livekit.delay import DelayMeter
from akool_livekit.participants import ParticipantTracker
from akool_livekit.receiving import AudioReceiver, VideoReceiver
from akool_livekit.sending import LiveKitAudioWriter, LiveKitVideoWriter, Publication

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["LiveKitMedia"]

Writer = TypeVar("Writer", bound=Publication[Any])


class LiveKitMedia(MediaTransport):
    """Follows the avatar's tracks. It is given rooms, and closed, by the transport."""

    def __init__(
        self, participants: ParticipantTracker, usable_room: Callable[[], Awaitable[rtc.Room]]
    ) -> None:
        """Takes the tracker's reports of tracks.

        Args:
            participants: knows the avatar.
            usable_room: waits for a room that is joined; raises what ended the transport.
        """
        self._participants = participants
        self._usable_room = usable_room
        self._writers: list[Publication[Any]] = []
        self._publishing = Tasks()
        self._tracks: tuple[TrackInfo, ...] = ()
        self._audio = AudioReceiver()
        self._video = VideoReceiver()
        self._delay = DelayMeter(self._received)
        self._closed = False
        participants.on_tracks = self._changed
        participants.on_subscribed = self._subscribed
        self._changed()

    @property
    def capabilities(self) -> MediaCapabilities:
        """As the token permits; everything before the room is joined."""
        room = self._participants.room
        if room is None or not room.isconnected():
            return MediaCapabilities(True, True, True, True)
        may = room.local_participant.permissions
        return MediaCapabilities(
            may.can_subscribe, may.can_subscribe, may.can_publish, may.can_publish
        )

    @property
    def audio_delay(self) -> float:
        """See `MediaTransport`."""
        return self._delay.delay

    @property
    def tracks(self) -> tuple[TrackInfo, ...]:
        """See `MediaTransport`."""
        return self._tracks

    def hear(self, request: AudioRequest, sink: AudioSink) -> MediaSubscription:
        """See `MediaTransport`."""
        return self._audio.open(request, sink)

    def see(self, request: VideoRequest, sink: VideoSink) -> MediaSubscription:
        """See `MediaTransport`."""
        return self._video.open(request, sink)

    async def speak(self, request: AudioRequest, *, queue_ms: int, timeout: float) -> AudioWriter:
        """See `MediaTransport`."""
        writer = LiveKitAudioWriter(request, queue_ms, self._forget)
        return await self._publish(writer, timeout)

    async def show(self, width: int, height: int, *, timeout: float) -> VideoWriter:
        """See `MediaTransport`."""
        return await self._publish(LiveKitVideoWriter(width, height, self._forget), timeout)

    async def _publish(self, writer: Writer, timeout: float) -> Writer:
        self._writers.append(writer)
        try:
            async with asyncio.timeout(timeout):
                await writer.publish(await self._usable_room())
        except TimeoutError as error:
            await writer.close()
            text = f"the LiveKit room didn't take our track within {timeout:g} s"
            raise SendError(text, retryable=True) from error
        except BaseException:
            await writer.close()
            raise
        return writer

    def rejoined(self, room: rtc.Room) -> None:
        """Another room object was joined: what we published is published there."""
        for writer in self._writers:
            task = asyncio.get_running_loop().create_task(
                writer.publish_again(room), name="livekit track"
            )
            self._publishing.add(task)

    async def close(self) -> None:
        """Ends all subscriptions and everything published."""
        self._closed = True
        await self._delay.close()
        for task in self._publishing.running:
            task.cancel()
        await asyncio.gather(
            self._audio.close(),
            self._video.close(),
            # Unpublished, and not only given up: nothing of them is left in the client's native
            # part, which is one for all rooms of the process.
            *(writer.close() for writer in tuple(self._writers)),
            *self._publishing.running,
            return_exceptions=True,
        )

    def _forget(self, writer: Publication[Any]) -> None:
        if writer in self._writers:
            self._writers.remove(writer)

    def _received(self) -> tuple[rtc.Track, rtc.Track] | None:
        audio, video = self._audio.track, self._video.track
        return None if audio is None or video is None else (audio, video)

    def _changed(self) -> None:
        """The avatar's tracks may have changed."""
        from livekit import rtc

        if self._closed:
            return
        for receiver in (self._audio, self._video):
            receiver.reach(not self._participants.reconnects)
        publications = self._participants.avatar_publications
        audio, video = rtc.TrackKind.KIND_AUDIO, rtc.TrackKind.KIND_VIDEO
        self._audio.follow(_chosen(publications, audio, rtc.TrackSource.SOURCE_MICROPHONE))
        self._video.follow(_chosen(publications, video, rtc.TrackSource.SOURCE_CAMERA))
        before = self._tracks
        self._tracks = tuple(map(_info, publications))
        if self._tracks != before and self.on_change is not None:
            self.on_change()

    def _subscribed(self, track: rtc.Track) -> None:
        for receiver in (self._audio, self._video):
            receiver.subscribed(track)


def _chosen(
    publications: list[rtc.RemoteTrackPublication],
    kind: rtc.TrackKind.ValueType,
    source: rtc.TrackSource.ValueType,
) -> rtc.RemoteTrackPublication | None:
    """The avatar's face or voice, if it shares a screen, too."""
    of_kind = [publication for publication in publications if publication.kind == kind]
    usual = [publication for publication in of_kind if publication.source == source]
    return next(iter(usual or of_kind), None)


def _info(publication: rtc.RemoteTrackPublication) -> TrackInfo:
    from livekit import rtc

    is_audio = publication.kind == rtc.TrackKind.KIND_AUDIO
    return TrackInfo(
        publication.sid,
        "audio" if is_audio else "video",
        publication.name,
        publication.muted,
        0 if is_audio else publication.width,
        0 if is_audio else publication.height,
    )
