"""Audio and video of one conversation, whichever transport carries them at the moment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from akool_async.concurrency import Tasks
from akool_async.errors import AkoolError, ConversationClosedError, NotSupportedError
from akool_async.events import Event, FirstAudio, FirstVideo, TrackPublished, TrackUnpublished
from akool_async.media.contract import MediaTransport, TrackInfo

if TYPE_CHECKING:
    from akool_async.media.camera import Camera
    from akool_async.media.contract import AudioRequest, VideoRequest
    from akool_async.media.frames import AudioFrame, VideoFrame
    from akool_async.media.measuring import Measures, SubscriptionMeasure
    from akool_async.media.microphone import Microphone
    from akool_async.media.own_track import OwnTrack
    from akool_async.media.readers import FrameReader
    from akool_async.media.receiving import AudioFeed, VideoFeed
    from akool_async.media.recording.recording import Recording

__all__ = ["SessionMedia"]

logger = logging.getLogger("akool_async.media")

#: How much a reader keeps: seconds of audio, and pictures (1.4 MB each at 720p).
_AUDIO_SECONDS: Final = 2.0
_PICTURES: Final = 8


class SessionMedia:
    """A part of the conversation: feeds and their readers, the clock, and the media events.

    A conversation that exchanges text alone has this object and no other of this package.
    """

    def __init__(
        self, publish: Callable[[Event], None], time: Callable[[], float], measures: Measures
    ) -> None:
        """
        Args:
            publish: gives an event to the conversation's readers.
            time: of the loop.
            measures: is given what is measured.
        """
        from akool_async.media.clock import MediaClock

        self.clock = MediaClock(time)
        self.measures = measures
        #: Frames that readers didn't read in time.
        self.frames_dropped = 0
        self._time = time
        self._publish = publish
        self._media: MediaTransport | None = None
        self._name = ""
        self._tracks: tuple[TrackInfo, ...] = ()
        self._audio: dict[AudioRequest, AudioFeed] = {}
        self._video: dict[VideoRequest, VideoFeed] = {}
        self._senders: list[OwnTrack[Any]] = []
        #: Recordings that aren't over, and who is given what the program says.
        self.recordings: tuple[Recording, ...] = ()
        self._taps: list[Callable[[AudioFrame], None]] = []
        self._republishing = Tasks()
        self._heard = self._seen = False
        self._ended = False

    # The transport below.

    def attach(self, media: MediaTransport | None, name: str) -> None:
        """Uses this transport from now on: the first one once it is joined, another one when the
        session is replaced. Readers, microphones and cameras go on with it.

        Args:
            media: of the transport named `name`; `None`: it carries packets only.
            name: for errors.
        """
        if self._ended:
            return
        before, self._media, self._name = self._media, media, name
        if before is None:
            self.clock.start()
        else:
            before.on_change = None
        if media is not None:
            media.on_change = self._changed
        self._changed()
        for feed in self._feeds():
            feed.attach(media)
        if before is not None:
            for sender in self._senders:
                self._publish_again(sender)

    def _publish_again(self, sender: OwnTrack[Any]) -> None:
        async def publish() -> None:
            try:
                await sender.publish()
            except AkoolError as error:
                logger.warning("the track can't be published again: %s", error)
                sender.end(error)

        sender.withdraw()
        task = asyncio.get_running_loop().create_task(publish(), name="akool media")
        self._republishing.add(task)

    def end(self, error: BaseException | None = None) -> None:
        """The conversation is over, by `error` or by closing: readers end, and microphones and
        cameras raise it. The transport ends their tracks.
        """
        if self._ended:
            return
        self._ended = True
        error = error or ConversationClosedError("the conversation was closed")
        for sender in self._senders:
            sender.end(error)
        self._senders.clear()
        if self._media is not None:
            self._media.on_change = None
        for feed in self._feeds():
            feed.end()

    async def stop(self) -> None:
        """Ends its tasks, and completes the files of recordings."""
        tasks = self._republishing.running
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await asyncio.gather(*(recording.finish() for recording in self.recordings))

    def _feeds(self) -> list[AudioFeed | VideoFeed]:
        return [*self._audio.values(), *self._video.values()]

    def _changed(self) -> None:
        """Reports what was published and unpublished since the last call."""
        before = {track.id: track for track in self._tracks}
        self._tracks = self._media.tracks if self._media is not None else ()
        now = {track.id for track in self._tracks}
        for track in before.values():
            if track.id not in now:
                self._publish(TrackUnpublished(track.kind, track.id, track.name))
        for track in self._tracks:
            if track.id not in before:
                self._publish(TrackPublished(track.kind, track.id, track.name))

    @property
    def tracks(self) -> tuple[TrackInfo, ...]:
        """What the avatar publishes now."""
        return () if self._media is None or self._ended else self._media.tracks

    def require(self, capability: str) -> MediaTransport:
        """The transport, which has this capability of `MediaCapabilities`.

        Raises:
            NotSupportedError: it hasn't.
        """
        media = self._media
        if media is None:
            raise NotSupportedError(f"the {self._name} transport carries no audio or video here")
        if not getattr(media.capabilities, capability):
            text = f"the {self._name} transport can't {capability} in this room"
            if capability in ("speak", "show"):
                text += "; the token may not allow to publish"
            raise NotSupportedError(text)
        return media

    # Reading.

    def audio_reader(
        self, request: AudioRequest, max_waiting: int | None
    ) -> FrameReader[AudioFrame]:
        """A reader of audio in this form; it keeps `max_waiting` frames, 2 s by default."""
        from akool_async.media.readers import FrameReader
        from akool_async.media.receiving import AudioFeed

        media = self.require("hear")
        feed = self._audio.get(request)
        if feed is None:
            feed = self._audio[request] = AudioFeed(
                request, self.clock, self._heard_audio, self._subscription("audio")
            )
            feed.attach(media)
        limit = max_waiting or round(_AUDIO_SECONDS * 1000 / request.frame_ms)
        return FrameReader(feed, limit=limit, on_dropped=self._dropped)

    def video_reader(
        self, request: VideoRequest, max_fps: float | None, max_waiting: int | None
    ) -> FrameReader[VideoFrame]:
        """A reader of video in this form; it keeps `max_waiting` frames, 8 by default."""
        from akool_async.media.limits import FrameRateLimit, HeightLimit
        from akool_async.media.readers import FrameReader
        from akool_async.media.receiving import VideoFeed

        media = self.require("see")
        smaller = None if request.max_height is None else HeightLimit(request.max_height)
        feed = self._video.get(request)
        if feed is None:
            feed = self._video[request] = VideoFeed(
                request, self.clock, self._seen_video, self._subscription("video")
            )
            feed.attach(media)
        return FrameReader(
            feed,
            limit=max_waiting or _PICTURES,
            wanted=None if max_fps is None else FrameRateLimit(max_fps),
            prepare=smaller,
            on_dropped=self._dropped,
        )

    def _subscription(self, kind: str) -> SubscriptionMeasure:
        from akool_async.media.measuring import SubscriptionMeasure

        return SubscriptionMeasure(kind, self._time, self.measures)

    def _dropped(self, count: int) -> None:
        self.frames_dropped += count

    def _heard_audio(self, frame: AudioFrame) -> None:
        self.measures.sound.frame(frame)
        if not self._heard:
            self._heard = True
            self._publish(FirstAudio(self.clock.now()))

    def _seen_video(self, _: VideoFrame) -> None:
        if not self._seen:
            self._seen = True
            self._publish(FirstVideo(self.clock.now()))

    # Sending.

    def microphone(
        self, request: AudioRequest, *, queue_ms: int, muted: bool, mute_while_avatar_speaks: bool
    ) -> Microphone:
        """A microphone that isn't open yet."""
        from akool_async.media.microphone import Microphone

        self.require("speak")
        microphone = Microphone(
            request,
            queue_ms=queue_ms,
            muted=muted,
            mute_while_avatar_speaks=mute_while_avatar_speaks,
            transport=lambda: self.require("speak"),
            ended=self._sender_ended,
            spoken=self._spoken,
        )
        self._senders.append(microphone)
        return microphone

    def tap_microphones(self, sink: Callable[[AudioFrame], None]) -> Callable[[], None]:
        """Gives `sink` what the program says, as it is heard; returns what ends that."""
        self._taps.append(sink)
        return lambda: self._taps.remove(sink)

    def _spoken(self, pcm: bytes, request: AudioRequest, queued: float) -> None:
        """Samples were handed to the room; with them `queued` seconds are to be played."""
        if not self._taps:
            return
        from akool_async.media.frames import AudioFrame

        duration = len(pcm) / (2 * request.channels * request.sample_rate)
        at = self.clock.now() + max(0.0, queued - duration)
        frame = AudioFrame(pcm, request.sample_rate, request.channels, at)
        for sink in tuple(self._taps):
            sink(frame)

    def camera(self, width: int, height: int) -> Camera:
        """A camera that isn't open yet."""
        from akool_async.media.camera import Camera

        self.require("show")
        camera = Camera(
            width, height, transport=lambda: self.require("show"), ended=self._sender_ended
        )
        self._senders.append(camera)
        return camera

    def avatar_speaks(self, speaks: bool) -> None:
        """The avatar began to speak, or stopped."""
        for sender in self._senders:
            sender.avatar_speaks(speaks)

    def _sender_ended(self, sender: OwnTrack[Any]) -> None:
        if sender in self._senders:
            self._senders.remove(sender)
