"""The video of a version 3 session: FLV over HTTP. Its sound and pictures are received only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from akool_async.concurrency import Tasks
from akool_async.errors import MissingDependencyError, TransportError
from akool_async.media import (
    AudioRequest,
    AudioSink,
    EncodedSink,
    MediaCapabilities,
    MediaSubscription,
    MediaTransport,
    Picture,
    TrackInfo,
    VideoRequest,
    VideoSink,
)
from akool_chatroom.decoder import Decoder, Outputs
from akool_chatroom.options import ChatRoomOptions
from akool_chatroom.pull import Pull

__all__ = ["FLVMedia"]


class FLVMedia(MediaTransport):
    """Reads the URL while there are subscriptions; one thread decodes for all of them.

    Args:
        url: of the video; a secret.
        options: certificates, proxy and time limits.
    """

    def __init__(self, url: str, options: ChatRoomOptions) -> None:
        self._url = url
        self._options = options
        self._tracks: tuple[TrackInfo, ...] = ()
        self._outputs = Outputs()
        self._audio: dict[AudioSink, AudioRequest] = {}
        self._video: dict[VideoSink, VideoRequest] = {}
        self._pull: Pull | None = None
        self._decoder: Decoder | None = None
        self._copies: dict[EncodedSink, Pull] = {}
        self._ending = Tasks()
        self._closed = False
        #: Frames that the event loop was too slow for.
        self.dropped = 0

    @property
    def capabilities(self) -> MediaCapabilities:
        """It is heard and seen; the chat room takes neither sound nor pictures."""
        return MediaCapabilities(hear=True, see=True)

    @property
    def tracks(self) -> tuple[TrackInfo, ...]:
        """Those of the stream; known while it is read."""
        return self._tracks

    def hear(self, request: AudioRequest, sink: AudioSink) -> MediaSubscription:
        """See `MediaTransport.hear`.

        Raises:
            MissingDependencyError: PyAV isn't installed.
        """
        return self._subscribe(self._audio, request, sink)

    def see(self, request: VideoRequest, sink: VideoSink) -> MediaSubscription:
        """See `MediaTransport.see`; raises as `hear`."""
        return self._subscribe(self._video, request, sink)

    def encoded(self, sink: EncodedSink) -> MediaSubscription | None:
        """See `MediaTransport.encoded`: FLV, by a connection of its own."""
        if not self._closed:
            self._copies[sink] = Pull(self._url, self._options, _Copy(sink))

        def close() -> None:
            if (pull := self._copies.pop(sink, None)) is not None:
                self._end(pull)

        return _Subscription(close)

    async def close(self) -> None:
        """Ends everything."""
        self._closed = True
        self._audio.clear()
        self._video.clear()
        self._changed()
        while self._copies:
            self._end(self._copies.popitem()[1])
        if self._ending.running:
            await asyncio.wait(self._ending.running)

    def _subscribe(self, sinks: dict[Any, Any], request: Any, sink: Any) -> MediaSubscription:
        _check_av()
        if not self._closed:
            sinks[sink] = request
            self._changed()
            if self._decoder is not None:
                sink.started()

        def close() -> None:
            if sinks.pop(sink, None) is not None:
                self._changed()

        return _Subscription(close)

    def _changed(self) -> None:
        self._outputs.audio = frozenset(self._audio.values())
        self._outputs.video = frozenset(self._video.values())
        wanted = bool(self._audio or self._video)
        if wanted and self._pull is None:
            self._pull = Pull(self._url, self._options, self)
        elif not wanted and self._pull is not None:
            self._end(self._pull)
            self._pull = None

    def _end(self, pull: Pull) -> None:
        task = pull.cancel()
        self._ending.add(task)

    # The receiver of what is pulled.

    def started(self) -> None:
        """See `Receiver`."""
        self._decoder = Decoder(
            self._outputs,
            on_tracks=self._set_tracks,
            on_audio=self._give_audio,
            on_video=self._give_video,
            on_dropped=self._count_dropped,
        )
        for sink in self._sinks():
            sink.started()

    async def data(self, data: bytes) -> None:
        """See `Receiver`."""
        if self._decoder is not None:
            await self._decoder.put(data)

    async def ended(self) -> None:
        """See `Receiver`."""
        decoder, self._decoder = self._decoder, None
        self._set_tracks(())
        if decoder is not None:
            await decoder.close()

    def failed(self, error: TransportError) -> None:
        """See `Receiver`."""
        sinks = self._sinks()
        self._audio.clear()
        self._video.clear()
        self._changed()
        for sink in sinks:
            sink.failed(error)

    def _sinks(self) -> list[AudioSink | VideoSink]:
        return [*self._audio, *self._video]

    def _set_tracks(self, tracks: tuple[TrackInfo, ...]) -> None:
        if tracks != self._tracks:
            self._tracks = tracks
            if self.on_change is not None:
                self.on_change()

    def _give_audio(self, request: AudioRequest, pcm: bytes) -> None:
        for sink, wanted in tuple(self._audio.items()):
            if wanted == request:
                sink.pcm(pcm)

    def _give_video(self, request: VideoRequest, picture: Picture) -> None:
        for sink, wanted in tuple(self._video.items()):
            if wanted == request:
                sink.picture(picture)

    def _count_dropped(self, count: int) -> None:
        self.dropped += count


class _Copy:
    """A receiver that hands the bytes on as they are."""

    def __init__(self, sink: EncodedSink) -> None:
        self._sink = sink

    def started(self) -> None:
        self._sink.started("flv")

    async def data(self, data: bytes) -> None:
        await self._sink.data(data)

    async def ended(self) -> None:
        """The next `started` says so."""

    def failed(self, error: TransportError) -> None:
        self._sink.failed(error)


class _Subscription(MediaSubscription):
    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close

    def close(self) -> None:
        self._close()


_INSTALL: Final = 'pip install "akool-async[record]"'


def _check_av() -> None:
    try:
        import av  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise MissingDependencyError(
            f"The video of a version 3 session is read with the `av` package (PyAV): {error}.",
            install=_INSTALL,
        ) from error
