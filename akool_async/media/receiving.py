"""From a transport's sinks to readers: one subscription for all readers that want the same form."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from akool_async.errors import AkoolError
from akool_async.media.clock import AudioTimeline, MediaClock, VideoTimeline
from akool_async.media.contract import (
    AudioRequest,
    MediaSubscription,
    MediaTransport,
    Picture,
    VideoRequest,
)
from akool_async.media.frames import AudioFrame, VideoFrame
from akool_async.media.measuring import SubscriptionMeasure
from akool_async.media.readers import FrameReader

__all__ = ["AudioFeed", "VideoFeed"]

F = TypeVar("F", bound=AudioFrame | VideoFrame)


class _Feed(Generic[F]):
    """What both have: its readers, and the subscription that is open while there are any.

    It can be attached to another transport, whose frames its readers get from then on.
    """

    def __init__(
        self, first: Callable[[F], None], subscription: SubscriptionMeasure | None = None
    ) -> None:
        """
        Args:
            first: is given every frame before the readers are.
            subscription: measures how long the room is asked for them.
        """
        self._readers: weakref.WeakSet[FrameReader[F]] = weakref.WeakSet()
        self._media: MediaTransport | None = None
        self._subscription: MediaSubscription | None = None
        self._first = first
        self._measure = subscription
        self._ended = False

    def _subscribe(self, media: MediaTransport) -> MediaSubscription:
        raise NotImplementedError

    def attach(self, media: MediaTransport | None) -> None:
        """Takes frames from this transport from now on; `None`: from none."""
        if media is not self._media:
            self._unsubscribe()
            self._media = media
            try:
                self._resume()
            except AkoolError as error:  # it can't do what the one before could
                self.failed(error)

    def join(self, reader: FrameReader[F]) -> None:
        """See `readers.Feed`. Raises what the transport does."""
        if self._ended:
            reader.end()
            return
        self._readers.add(reader)
        try:
            self._resume()
        except BaseException:
            self._readers.discard(reader)
            raise

    def leave(self, reader: FrameReader[F]) -> None:
        """See `readers.Feed`."""
        self._readers.discard(reader)
        self._unsubscribe_if_unread()

    @property
    def subscribed(self) -> bool:
        """Whether its transport is asked for frames."""
        return self._subscription is not None

    def _resume(self) -> None:
        if self._subscription is None and self._media is not None and self._readers:
            self._subscription = self._subscribe(self._media)
            if self._measure is not None:
                self._measure.began()

    def _unsubscribe_if_unread(self) -> bool:
        """Also for readers that were dropped without being closed."""
        if not self._readers:
            self._unsubscribe()
            return True
        return False

    def _unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()
            if self._measure is not None:
                self._measure.ended()

    def _give(self, frames: Iterable[F]) -> None:
        if self._unsubscribe_if_unread():
            return
        if self._measure is not None:
            self._measure.frame()
        for frame in frames:
            self._first(frame)
            for reader in tuple(self._readers):
                reader.put(frame)

    def failed(self, error: BaseException) -> None:
        """See the sinks."""
        self._subscription = None
        if self._measure is not None:
            self._measure.ended(type(error).__name__)
        for reader in tuple(self._readers):
            reader.end(error)

    def end(self) -> None:
        """The conversation is over; so are the readers, those of later included."""
        self._unsubscribe()
        self._media, self._ended = None, True
        for reader in tuple(self._readers):
            reader.end()


class AudioFeed(_Feed[AudioFrame]):
    """Audio in one form; the `AudioSink` of its transport."""

    def __init__(
        self,
        request: AudioRequest,
        clock: MediaClock,
        first: Callable[[AudioFrame], None],
        subscription: SubscriptionMeasure | None = None,
    ) -> None:
        super().__init__(first, subscription)
        self.request = request
        self._timeline = AudioTimeline(clock, request.sample_rate)
        self._samples = request.sample_rate * request.frame_ms // 1000
        self._frame_size = 2 * request.channels * self._samples
        self._rest = b""

    def _subscribe(self, media: MediaTransport) -> MediaSubscription:
        return media.hear(self.request, self)

    def started(self) -> None:
        """See `AudioSink`."""
        self._rest = b""
        self._timeline.start()

    def pcm(self, data: bytes) -> None:
        """See `AudioSink`."""
        if self._rest:
            data = self._rest + data
            self._rest = b""
        size = self._frame_size
        if len(data) == size:
            self._give((self._frame(data, 0),))
            return
        whole = len(data) - len(data) % size
        self._rest = data[whole:]
        self._give(
            [
                self._frame(data[at : at + size], (whole - at) // size - 1)
                for at in range(0, whole, size)
            ]
        )

    def _frame(self, pcm: bytes, more: int) -> AudioFrame:
        """A frame; so many more came with it."""
        at = self._timeline.place(self._samples, more * self._samples)
        return AudioFrame(pcm, self.request.sample_rate, self.request.channels, at)


class VideoFeed(_Feed[VideoFrame]):
    """Video in one form; the `VideoSink` of its transport."""

    def __init__(
        self,
        request: VideoRequest,
        clock: MediaClock,
        first: Callable[[VideoFrame], None],
        subscription: SubscriptionMeasure | None = None,
    ) -> None:
        super().__init__(first, subscription)
        self.request = request
        self._timeline = VideoTimeline(clock)

    def _subscribe(self, media: MediaTransport) -> MediaSubscription:
        return media.see(self.request, self)

    def started(self) -> None:
        """See `VideoSink`."""
        self._timeline.start()

    def picture(self, picture: Picture) -> None:
        """See `VideoSink`."""
        at = self._timeline.place(picture.captured)
        frame = VideoFrame(
            picture.data, picture.width, picture.height, self.request.format, at, picture.rotation
        )
        self._give((frame,))
