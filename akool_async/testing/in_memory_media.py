"""Audio and video inside the process: what a test plays, a program's readers get, and back.

room = InMemoryRoom()
room.media = media = InMemoryMedia()
async with AvatarSession(room.transport) as avatar:
media.publish("audio")
media.play(0.02)            # a tone, to whoever reads
media.picture(luma=90)
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from dataclasses import replace
from typing import Final

from akool_async.errors import DisconnectedError
from akool_async.media import (
    AudioRequest,
    AudioSink,
    AudioWriter,
    MediaCapabilities,
    MediaKind,
    MediaSubscription,
    MediaTransport,
    Picture,
    TrackInfo,
    VideoFrame,
    VideoRequest,
    VideoSink,
    VideoWriter,
)
from akool_async.testing.media_samples import tone

__all__ = ["InMemoryAudioWriter", "InMemoryMedia", "InMemoryVideoWriter"]

_TONE_HZ: Final = 1000
_ids = itertools.count(1)


class _Subscription(MediaSubscription):
    def __init__(
        self, media: InMemoryMedia, kind: MediaKind, request: AudioRequest | VideoRequest
    ) -> None:
        self.kind = kind
        self.request = request
        self.streaming = False
        self._media = media

    def close(self) -> None:
        self._media.subscriptions.pop(self, None)


class InMemoryAudioWriter(AudioWriter):
    """What the program speaks. It is played at its pace.

    Attributes:
        pcm: everything that was written and not cleared.
        cleared: seconds that were cleared.
        muted, closed: as they say.
    """

    def __init__(self, request: AudioRequest, queue_ms: int) -> None:
        self.request = request
        self.pcm = bytearray()
        self.cleared = 0.0
        self.muted = False
        self.closed = False
        self._queue = queue_ms / 1000
        self._loop = asyncio.get_running_loop()
        self._ends_at = 0.0
        self._changed = asyncio.Event()

    @property
    def queued(self) -> float:
        """See `AudioWriter`."""
        return max(0.0, self._ends_at - self._loop.time())

    async def write(self, pcm: bytes) -> None:
        """See `AudioWriter`."""
        self._check_open()
        self.pcm += pcm
        seconds = len(pcm) / 2 / self.request.channels / self.request.sample_rate
        self._ends_at = max(self._ends_at, self._loop.time()) + seconds
        await self._wait(self._queue)
        self._check_open()

    def clear(self) -> float:
        """See `AudioWriter`."""
        dropped = self.queued
        size = round(dropped * self.request.sample_rate) * 2 * self.request.channels
        del self.pcm[len(self.pcm) - size :]
        self.cleared += dropped
        self._ends_at = 0.0
        self._changed.set()
        return dropped

    async def wait_for_playout(self) -> None:
        """See `AudioWriter`."""
        await self._wait(0.0)

    def mute(self, muted: bool) -> None:
        """See `AudioWriter`."""
        self.muted = muted

    async def close(self) -> None:
        """See `AudioWriter`."""
        self.closed = True
        self.clear()

    async def _wait(self, queued: float) -> None:
        """Until so many seconds are queued."""
        while (left := self.queued - queued) > 1e-6:
            self._changed.clear()
            try:
                async with asyncio.timeout(left):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _check_open(self) -> None:
        if self.closed:
            raise DisconnectedError("the track was closed", reason="closed")


class InMemoryVideoWriter(VideoWriter):
    """What the program shows.

    Attributes:
        frames: the newest ten.
        muted, closed: as they say.
    """

    def __init__(self) -> None:
        self.frames: deque[VideoFrame] = deque(maxlen=10)
        self.muted = False
        self.closed = False

    def write(self, frame: VideoFrame) -> None:
        """See `VideoWriter`."""
        if self.closed:
            raise DisconnectedError("the track was closed", reason="closed")
        self.frames.append(frame)

    def mute(self, muted: bool) -> None:
        """See `VideoWriter`."""
        self.muted = muted

    async def close(self) -> None:
        """See `VideoWriter`."""
        self.closed = True


class InMemoryMedia(MediaTransport):
    """The program's end, and the test's: the avatar's tracks, and what it hears and sees.

    Attributes:
        subscriptions: the open ones, with their sinks.
        microphones, cameras: what the program published, the closed ones included.
    """

    def __init__(self) -> None:
        self._tracks: tuple[TrackInfo, ...] = ()
        self.subscriptions: dict[_Subscription, AudioSink | VideoSink] = {}
        self.microphones: list[InMemoryAudioWriter] = []
        self.cameras: list[InMemoryVideoWriter] = []

    @property
    def capabilities(self) -> MediaCapabilities:
        """All of them."""
        return MediaCapabilities(True, True, True, True)

    @property
    def tracks(self) -> tuple[TrackInfo, ...]:
        """See `MediaTransport`."""
        return self._tracks

    # The avatar's end.

    def publish(self, kind: MediaKind, *, name: str = "") -> None:
        """The avatar begins to publish."""
        self._set_tracks((*self.tracks, TrackInfo(f"track-{next(_ids)}", kind, name)))

    def unpublish(self, kind: MediaKind) -> None:
        """And ends it."""
        for subscription in self.subscriptions:
            if subscription.kind == kind:
                subscription.streaming = False
        self._set_tracks(tuple(track for track in self.tracks if track.kind != kind))

    def mute(self, kind: MediaKind, muted: bool) -> None:
        """The avatar mutes its track."""
        self._set_tracks(
            tuple(
                replace(track, muted=muted) if track.kind == kind else track
                for track in self.tracks
            )
        )

    def play(self, seconds: float) -> None:
        """A tone reaches whoever hears; silence while the track is muted."""
        for subscription, sink in self._streaming("audio"):
            request = subscription.request
            if isinstance(request, AudioRequest) and isinstance(sink, AudioSink):
                samples = round(seconds * request.sample_rate)
                sound = tone(_TONE_HZ, samples, request.sample_rate, request.channels)
                sink.pcm(bytes(len(sound)) if self._muted("audio") else sound)

    def picture(
        self,
        *,
        luma: int = 100,
        width: int = 64,
        height: int = 36,
        captured: float | None = None,
    ) -> None:
        """A grey picture reaches whoever sees; none while the track is muted."""
        for subscription, sink in self._streaming("video"):
            request = subscription.request
            if isinstance(request, VideoRequest) and isinstance(sink, VideoSink):
                pixels = width * height
                data = {
                    "i420": bytes([luma]) * pixels + b"\x80" * (pixels // 2),
                    "rgb24": bytes([luma]) * pixels * 3,
                    "rgba": bytes([luma]) * pixels * 4,
                }[request.format]
                if not self._muted("video"):
                    sink.picture(Picture(data, width, height, 0, captured))

    def fail(self, error: BaseException) -> None:
        """Every subscription fails."""
        for subscription, sink in list(self.subscriptions.items()):
            subscription.close()
            sink.failed(error)

    def _streaming(self, kind: MediaKind) -> list[tuple[_Subscription, AudioSink | VideoSink]]:
        if not any(track.kind == kind for track in self.tracks):
            return []
        found = [pair for pair in self.subscriptions.items() if pair[0].kind == kind]
        for subscription, sink in found:
            if not subscription.streaming:
                subscription.streaming = True
                sink.started()
        return found

    def _muted(self, kind: MediaKind) -> bool:
        return any(track.muted for track in self.tracks if track.kind == kind)

    def _set_tracks(self, tracks: tuple[TrackInfo, ...]) -> None:
        self._tracks = tracks
        if self.on_change is not None:
            self.on_change()

    # The program's end.

    def hear(self, request: AudioRequest, sink: AudioSink) -> MediaSubscription:
        """See `MediaTransport`."""
        return self._subscribe("audio", request, sink)

    def see(self, request: VideoRequest, sink: VideoSink) -> MediaSubscription:
        """See `MediaTransport`."""
        return self._subscribe("video", request, sink)

    def _subscribe(
        self, kind: MediaKind, request: AudioRequest | VideoRequest, sink: AudioSink | VideoSink
    ) -> MediaSubscription:
        subscription = _Subscription(self, kind, request)
        self.subscriptions[subscription] = sink
        return subscription

    async def speak(self, request: AudioRequest, *, queue_ms: int, timeout: float) -> AudioWriter:
        """See `MediaTransport`."""
        del timeout
        self.microphones.append(InMemoryAudioWriter(request, queue_ms))
        return self.microphones[-1]

    async def show(self, width: int, height: int, *, timeout: float) -> VideoWriter:
        """See `MediaTransport`."""
        del width, height, timeout
        self.cameras.append(InMemoryVideoWriter())
        return self.cameras[-1]

    async def close(self) -> None:
        """Ends everything."""
        self.subscriptions.clear()
        for microphone in self.microphones:
            await microphone.close()
        for camera in self.cameras:
            await camera.close()
