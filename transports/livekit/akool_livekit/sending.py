"""Tracks of our own: published, and published again in each room that the transport joins.

The client publishes them again by itself when it reconnects. Its native part can't be stopped while
it publishes, and says nothing of it any more once the room was left. So publishing is a task of its
own with a time limit; whoever gives a track up waits for that first, and unpublishes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from akool_async.errors import DisconnectedError, SendError
from akool_async.media import AudioRequest, AudioWriter, VideoFrame, VideoWriter

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["LiveKitAudioWriter", "LiveKitVideoWriter", "Publication"]

logger = logging.getLogger("akool_async.transport.livekit")

#: Seconds that unpublishing may take, and publishing again after the room was joined again.
_UNPUBLISH_TIMEOUT: Final = 3.0
_PUBLISH_TIMEOUT: Final = 10.0


Source = TypeVar("Source", "rtc.AudioSource", "rtc.VideoSource")


class Publication(Generic[Source]):
    """A track with its source, and where it is published."""

    _track: rtc.LocalAudioTrack | rtc.LocalVideoTrack
    _source: Source

    def __init__(self, forget: Callable[[Publication[Any]], None]) -> None:
        """`forget` is called when it is closed."""
        self._forget = forget
        self._room: rtc.Room | None = None
        self._sid = ""
        self._muted = False
        self._ended: DisconnectedError | None = None
        self._publishing: asyncio.Task[None] | None = None

    def _options(self) -> rtc.TrackPublishOptions:
        raise NotImplementedError

    async def publish(self, room: rtc.Room) -> None:
        """Publishes it. Cancelled, that goes on; `close` waits for it.

        Raises:
            SendError: the room refused it, or didn't take it in time.
        """
        if self._publishing is None or self._publishing.done():
            loop = asyncio.get_running_loop()
            self._publishing = loop.create_task(self._publish(room), name="livekit publish")
            self._publishing.add_done_callback(_note)
        await asyncio.shield(self._publishing)

    async def _publish(self, room: rtc.Room) -> None:
        from livekit.rtc.participant import PublishTrackError

        try:
            async with asyncio.timeout(_PUBLISH_TIMEOUT):
                publication = await room.local_participant.publish_track(
                    self._track, self._options()
                )
        except PublishTrackError as error:
            text = f"the LiveKit room refused our track: {error.message}"
            raise SendError(text, retryable=False) from error
        except TimeoutError as error:
            text = f"the LiveKit room didn't take our track within {_PUBLISH_TIMEOUT:g} s"
            raise SendError(text, retryable=True) from error
        self._room, self._sid = room, publication.sid

    async def publish_again(self, room: rtc.Room) -> None:
        """In a room that was joined again; a failure is logged, and `write` raises it."""
        if self._ended is not None:
            return
        try:
            await self.publish(room)
        except SendError as error:
            logger.warning("a track can't be published again: %s", error)
            self._ended = DisconnectedError("the track was lost with the room", reason="failed")

    async def close(self) -> None:
        """See `AudioWriter` and `VideoWriter`."""
        if self._ended is None:
            self._ended = DisconnectedError("the track was closed", reason="closed")
        self._forget(self)
        try:
            if self._publishing is not None:
                await asyncio.wait({self._publishing}, timeout=_UNPUBLISH_TIMEOUT)
            await self._unpublish()
        finally:
            await self.end(self._ended)

    async def end(self, error: DisconnectedError) -> None:
        """The room was left, or will be now, and the track with it; `write` raises `error`."""
        if self._ended is None:
            self._ended = error
        self._room = None
        task, self._publishing = self._publishing, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})
        await self._source.aclose()

    async def _unpublish(self) -> None:
        from livekit.rtc.participant import UnpublishTrackError

        room, self._room = self._room, None
        if room is None or not room.isconnected():
            return
        # The client gives the track a new sid when it publishes it again by itself.
        published = list(room.local_participant.track_publications.items())
        sids = [sid for sid, one in published if one.track is self._track or sid == self._sid]
        try:
            async with asyncio.timeout(_UNPUBLISH_TIMEOUT):
                for sid in sids:
                    await room.local_participant.unpublish_track(sid)
        except (TimeoutError, UnpublishTrackError) as error:
            logger.debug("a track wasn't unpublished: %s", type(error).__name__)

    def mute(self, muted: bool) -> None:
        """See `AudioWriter` and `VideoWriter`."""
        if muted != self._muted and self._ended is None:
            self._muted = muted
            if muted:
                self._track.mute()
            else:
                self._track.unmute()

    def _check_open(self) -> None:
        if self._ended is not None:
            raise DisconnectedError(str(self._ended), reason=self._ended.reason) from self._ended


class LiveKitAudioWriter(Publication["rtc.AudioSource"], AudioWriter):
    """A microphone."""

    def __init__(
        self, request: AudioRequest, queue_ms: int, forget: Callable[[Publication[Any]], None]
    ) -> None:
        """Publishes nothing yet."""
        from livekit import rtc

        super().__init__(forget)
        self._request = request
        self._source = rtc.AudioSource(request.sample_rate, request.channels, queue_ms)
        self._track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        self._capturing: asyncio.Task[None] | None = None

    def _options(self) -> rtc.TrackPublishOptions:
        from livekit import rtc

        return rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)

    @property
    def queued(self) -> float:
        """See `AudioWriter`."""
        return 0.0 if self._ended is not None else self._source.queued_duration

    async def write(self, pcm: bytes) -> None:
        """See `AudioWriter`."""
        from livekit import rtc

        # A writer that was cancelled leaves a frame with which the native part is still busy, even
        # some ten milliseconds after its queue was cleared: it refuses the next one until then.
        while self._capturing is not None and not self._capturing.done():
            await asyncio.wait({self._capturing})
        self._check_open()
        samples = len(pcm) // (2 * self._request.channels)
        frame = rtc.AudioFrame(pcm, self._request.sample_rate, self._request.channels, samples)
        loop = asyncio.get_running_loop()
        capturing = loop.create_task(self._source.capture_frame(frame), name="livekit sound")
        self._capturing = capturing
        capturing.add_done_callback(_note)
        await asyncio.wait({capturing})
        self._check_open()
        error = capturing.exception()
        if error is not None:
            # The client has no class of its own for what its native part refuses.
            raise SendError(f"LiveKit took no sound: {error}", retryable=False) from error

    def clear(self) -> float:
        """See `AudioWriter`."""
        dropped = self.queued
        if self._ended is None:
            self._source.clear_queue()
            if self._capturing is not None and not self._capturing.done():
                # A frame that is only now handed over is dropped, too.
                self._capturing.add_done_callback(self._clear_again)
        return dropped

    def _clear_again(self, _: asyncio.Task[None]) -> None:
        if self._ended is None:
            self._source.clear_queue()

    async def wait_for_playout(self) -> None:
        """See `AudioWriter`."""
        if self._ended is None:
            await self._source.wait_for_playout()

    async def close(self) -> None:
        """See `AudioWriter`."""
        self.clear()
        await super().close()

    async def end(self, error: DisconnectedError) -> None:
        """See `Publication`."""
        self.clear()  # whoever waits for playing is done
        if self._ended is None:
            self._ended = error
        capturing, self._capturing = self._capturing, None
        if capturing is not None and not capturing.done():
            capturing.cancel()
            await asyncio.wait({capturing})
        await super().end(error)


class LiveKitVideoWriter(Publication["rtc.VideoSource"], VideoWriter):
    """A camera."""

    def __init__(self, width: int, height: int, forget: Callable[[Publication[Any]], None]) -> None:
        """Publishes nothing yet."""
        from livekit import rtc

        super().__init__(forget)
        self._source = rtc.VideoSource(width, height)
        self._track = rtc.LocalVideoTrack.create_video_track("camera", self._source)

    def _options(self) -> rtc.TrackPublishOptions:
        from livekit import rtc

        # One size: whoever sees it is a program.
        return rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False)

    def write(self, frame: VideoFrame) -> None:
        """See `VideoWriter`."""
        from livekit import rtc

        self._check_open()
        kind = {
            "i420": rtc.VideoBufferType.I420,
            "rgb24": rtc.VideoBufferType.RGB24,
            "rgba": rtc.VideoBufferType.RGBA,
        }[frame.format]
        picture = rtc.VideoFrame(frame.width, frame.height, kind, frame.data)
        turned = rtc.VideoRotation.ValueType(frame.rotation // 90)
        self._source.capture_frame(picture, rotation=turned)


def _note(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.debug("%s: %s", task.get_name(), type(error).__name__)
