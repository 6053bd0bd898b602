"""One kind of media of the avatar: subscribed while it is wanted, a stream for each subscription.

What the client does, in the profile with two peer connections (docs/livekit.md, Media):

- A track is subscribed to again without `track_subscribed`, and its publication has no track then:
  frames come on the first track object. If there is an event after all, they come on the new one.
- Subscribing again less than a third of a second after giving up brings frames late or none at all.
  So the room is asked again a second after it was last asked to stop, and to stop only when no one
  wanted the media for a second.
- What is asked for while the client makes a new connection is lost: it is asked for afterwards.
- A stream gives what it has and then nothing, without an end, when its track is replaced. A
  subscription that brings nothing for some seconds is renewed, three times at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, cast

from akool_async.concurrency import Tasks
from akool_async.media import (
    AudioRequest,
    AudioSink,
    MediaSubscription,
    Picture,
    VideoRequest,
    VideoSink,
)

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["AudioReceiver", "VideoReceiver"]

logger = logging.getLogger("akool_async.transport.livekit")

Request = TypeVar("Request", bound=AudioRequest | VideoRequest)
Sink = TypeVar("Sink", bound=AudioSink | VideoSink)

#: Seconds between giving a subscription up and asking again, and for which it is kept unwanted.
_PAUSE: Final = 1.0
#: A subscription is renewed when it brought nothing for so long, in seconds, and so often.
_SILENT: Final = 4.0
_RENEWALS: Final = 3
#: A stream's end is confirmed by the native part, in seconds.
_CLOSE_TIMEOUT: Final = 2.0
#: The client ends a video with one black frame of this size.
_LAST_FRAME: Final = (8, 8)


class _Stream(MediaSubscription, Generic[Request, Sink]):
    """A subscription of the layer above, and the task that reads the native stream for it."""

    def __init__(self, receiver: _Receiver[Request, Sink], request: Request, sink: Sink) -> None:
        self.request = request
        self.sink = sink
        self.task: asyncio.Task[None] | None = None
        self.closed = False
        self._receiver = receiver

    def close(self) -> None:
        """See `MediaSubscription`."""
        if not self.closed:
            self.closed = True
            self._receiver.forget(self)


class _Receiver(Generic[Request, Sink]):
    """Follows one publication at a time, and what it is subscribed to."""

    kind: ClassVar[str]

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._streams: list[_Stream[Request, Sink]] = []
        self._ending = Tasks()
        self._publication: rtc.RemoteTrackPublication | None = None
        self._track: rtc.Track | None = None
        self._subscribed = False
        self._stopped_at = -_PAUSE
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._received = self._watched = self._renewals = 0
        self._reachable = True
        self._closed = False

    # Called by `LiveKitMedia`.

    @property
    def track(self) -> rtc.Track | None:
        """What is read; `None`: nothing."""
        return self._track if self._subscribed and self._streams else None

    def open(self, request: Request, sink: Sink) -> MediaSubscription:
        """A new subscription of the layer above."""
        stream = _Stream(self, request, sink)
        if not self._closed:
            self._streams.append(stream)
            self._update()
        return stream

    def follow(self, publication: rtc.RemoteTrackPublication | None) -> None:
        """The avatar's publication; `None`: it has none of this kind now."""
        if publication is self._publication:
            return
        before = self._publication
        if before is not None and publication is not None and before.sid != publication.sid:
            self._unsubscribe()  # it may go on to be published
        for stream in self._streams:
            self._stop(stream)
        self._publication = publication
        self._track = publication.track if publication is not None else None
        self._subscribed, self._stopped_at, self._renewals = False, -_PAUSE, 0
        self._update()

    def reach(self, reachable: bool) -> None:
        """Whether the room can be asked: not while the client reconnects."""
        if reachable is not self._reachable:
            self._reachable = reachable
            self._update()

    def subscribed(self, track: rtc.Track) -> None:
        """The client has a track object of some subscription."""
        publication = self._publication
        if publication is None or track.sid != publication.sid or track is self._track:
            return
        self._track = track
        for stream in self._streams:
            self._stop(stream)
        self._update()

    async def close(self) -> None:
        """Ends everything; waits for the native streams."""
        self._closed = True
        for stream in self._streams:
            stream.closed = True
            self._stop(stream)
        self._streams.clear()
        for timer in (self._timer, self._watch):
            if timer is not None:
                timer.cancel()
        if self._ending.running:
            await asyncio.wait(self._ending.running, timeout=_CLOSE_TIMEOUT + 1)

    # Its state.

    def forget(self, stream: _Stream[Request, Sink]) -> None:
        """A subscription of the layer above was closed."""
        if stream in self._streams:
            self._streams.remove(stream)
            self._stop(stream)
            self._update()

    def _update(self) -> None:
        """Brings the room and the streams to what is wanted now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._publication is None or self._closed:
            return
        now = self._loop.time()
        if not self._streams:
            if self._subscribed:
                self._timer = self._loop.call_later(_PAUSE, self._unsubscribe)
            return
        if not self._subscribed:
            if not self._reachable:
                return
            if (wait := self._stopped_at + _PAUSE - now) > 0:
                self._timer = self._loop.call_later(wait, self._update)
                return
            self._subscribe()
        if self._track is not None:
            for stream in self._streams:
                self._start(stream, self._track)

    def _subscribe(self) -> None:
        assert self._publication is not None
        self._subscribed = True
        self._publication.set_subscribed(True)
        self._watch_again()

    def _unsubscribe(self) -> None:
        self._timer = None
        if self._publication is not None and self._subscribed:
            self._subscribed = False
            self._stopped_at = self._loop.time()
            self._publication.set_subscribed(False)

    def _watch_again(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watched = self._received
        self._watch = self._loop.call_later(_SILENT, self._check_silence)

    def _check_silence(self) -> None:
        """Renews a subscription that brings nothing."""
        self._watch = None
        publication = self._publication
        if publication is None or not self._subscribed or self._received != self._watched:
            return  # from its first frame on it is known to work
        if publication.muted or not self._streams:
            self._watch_again()
        elif self._renewals < _RENEWALS:
            self._renewals += 1
            logger.info("the avatar's %s brings nothing; it is subscribed to again", self.kind)
            for stream in self._streams:
                self._stop(stream)
            self._unsubscribe()
            self._update()

    # A stream.

    def _start(self, stream: _Stream[Request, Sink], track: rtc.Track) -> None:
        if stream.task is None:
            name = f"livekit {self.kind} stream"
            stream.task = self._loop.create_task(self._read(stream, track), name=name)

    def _stop(self, stream: _Stream[Request, Sink]) -> None:
        task, stream.task = stream.task, None
        if task is not None:
            task.cancel()
            self._ending.add(task)

    async def _read(self, stream: _Stream[Request, Sink], track: rtc.Track) -> None:
        native = self._native(stream.request, track)
        try:
            stream.sink.started()
            async for event in native:
                if stream.closed:
                    break
                self._received += 1
                self._give(stream, event)
        finally:
            # Where the native part doesn't confirm it, the object's end takes it off the queue.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT):
                    await native.aclose()

    def _native(self, request: Request, track: rtc.Track) -> Any:
        raise NotImplementedError

    def _give(self, stream: _Stream[Request, Sink], event: Any) -> None:
        raise NotImplementedError


class AudioReceiver(_Receiver[AudioRequest, AudioSink]):
    """The avatar's audio; resampled by the native part."""

    kind = "audio"

    def _native(self, request: AudioRequest, track: rtc.Track) -> rtc.AudioStream:
        from livekit import rtc

        return rtc.AudioStream.from_track(
            track=track,
            sample_rate=request.sample_rate,
            num_channels=request.channels,
            frame_size_ms=request.frame_ms,
        )

    def _give(self, stream: _Stream[AudioRequest, AudioSink], event: rtc.AudioFrameEvent) -> None:
        stream.sink.pcm(bytes(event.frame.data))


class VideoReceiver(_Receiver[VideoRequest, VideoSink]):
    """The avatar's video; converted by the native part where another format is asked for."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._size = _LAST_FRAME

    def follow(self, publication: rtc.RemoteTrackPublication | None) -> None:
        """See `_Receiver`."""
        if publication is not self._publication:
            self._size = _LAST_FRAME
        super().follow(publication)

    def _subscribe(self) -> None:
        super()._subscribe()
        self._choose_quality()

    def _choose_quality(self) -> None:
        """Of a video that is sent in three sizes: full, a half and a quarter."""
        from livekit import rtc

        publication = self._publication
        assert publication is not None
        if not publication.simulcasted or not publication.height:
            return
        heights = [stream.request.max_height or publication.height for stream in self._streams]
        wanted = max(heights, default=publication.height)
        quality = rtc.VideoQuality.VIDEO_QUALITY_HIGH
        if wanted <= publication.height / 4:
            quality = rtc.VideoQuality.VIDEO_QUALITY_LOW
        elif wanted <= publication.height / 2:
            quality = rtc.VideoQuality.VIDEO_QUALITY_MEDIUM
        publication.set_video_quality(quality)

    def _native(self, request: VideoRequest, track: rtc.Track) -> rtc.VideoStream:
        from livekit import rtc

        # I420 is what it has: asking for it by name would have every frame copied once more.
        wanted = {
            "i420": None,
            "rgb24": rtc.VideoBufferType.RGB24,
            "rgba": rtc.VideoBufferType.RGBA,
        }[request.format]
        return rtc.VideoStream.from_track(track=track, format=wanted)

    def _give(self, stream: _Stream[VideoRequest, VideoSink], event: rtc.VideoFrameEvent) -> None:
        from livekit import rtc

        frame = event.frame
        size = (frame.width, frame.height)
        if size == _LAST_FRAME != self._size:
            return
        self._size = size
        if stream.request.format == "i420" and frame.type != rtc.VideoBufferType.I420:
            frame = frame.convert(rtc.VideoBufferType.I420)
        rotation = 90 * cast("int", event.rotation)  # the enumeration counts quarters
        captured = event.timestamp_us / 1e6
        stream.sink.picture(Picture(frame.data.toreadonly(), *size, rotation, captured))
