"""Streams of a simulator's relay, at the member's end: a websocket for each.

`relay_wire` has the frames. A stream whose connection breaks is opened again until it is closed.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any, Final, Protocol

import aiohttp

from akool_async.concurrency import Backoff
from akool_async.errors import DisconnectedError, NotSupportedError
from akool_async.media import (
    AudioRequest,
    AudioSink,
    MediaSubscription,
    Picture,
    VideoFrame,
    VideoSink,
    VideoWriter,
)
from akool_async.transport.engines import relay_wire
from akool_async.transport.engines.paced_writer import PIECE, PacedWriter

__all__ = [
    "CLOSE_TIMEOUT",
    "Hearing",
    "Seeing",
    "Showing",
    "Speaking",
    "Stream",
    "close",
    "release",
]

logger = logging.getLogger(__name__)

_FIRST_RETRY: Final = 0.1
_LAST_RETRY: Final = 1.0
#: Seconds for closing a connection.
CLOSE_TIMEOUT: Final = 1.0


class Streams(Protocol):
    """Who opens streams."""

    async def connect(
        self, http: aiohttp.ClientSession, want: Mapping[str, Any]
    ) -> aiohttp.ClientWebSocketResponse:
        """A connection that the relay has accepted."""
        ...

    def forget(self, stream: Stream, task: asyncio.Task[None]) -> None:
        """A stream was closed; its task ends."""


class Stream(MediaSubscription):
    """One stream and the task that keeps its connection.

    Attributes:
        up: set when the relay has accepted or refused it.
        refusal: why the relay never will.
    """

    def __init__(self, media: Streams, want: Mapping[str, Any]) -> None:
        self.up = asyncio.Event()
        self.refusal: str | None = None
        self._media = media
        self._want = want
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Opens it in the background."""
        self._task = asyncio.create_task(self._run(), name=f"relay {self._want['do']} stream")

    def close(self) -> None:
        """See `MediaSubscription`."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            self._media.forget(self, task)

    async def _run(self) -> None:
        backoff = Backoff(_FIRST_RETRY, _LAST_RETRY)
        async with aiohttp.ClientSession() as http:
            while True:
                try:
                    ws = await self._media.connect(http, self._want)
                    try:
                        self.up.set()
                        await self._serve(ws)
                    finally:
                        await close(ws)
                    backoff = Backoff(_FIRST_RETRY, _LAST_RETRY)
                except (aiohttp.ClientError, OSError):
                    logger.debug("a stream of the relay broke; it is opened again")
                except NotSupportedError as error:
                    self.refused(error)
                    return
                await asyncio.sleep(backoff.pause())

    def refused(self, error: NotSupportedError) -> None:
        """The relay carries nothing of that kind."""
        self.refusal = str(error)
        self.up.set()

    @abc.abstractmethod
    async def _serve(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Until the connection ends."""


class _Receiving(Stream):
    def __init__(
        self, media: Streams, want: Mapping[str, Any], sink: AudioSink | VideoSink
    ) -> None:
        super().__init__(media, want)
        self._sink = sink

    def refused(self, error: NotSupportedError) -> None:
        """See `Stream`."""
        super().refused(error)
        self._sink.failed(error)

    async def _serve(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                if relay_wire.read_object(message.data).get("event") == "started":
                    self._sink.started()
            elif message.type is aiohttp.WSMsgType.BINARY:
                self._take(message.data)

    @abc.abstractmethod
    def _take(self, frame: bytes) -> None:
        """Hands a frame to the sink."""


class Hearing(_Receiving):
    """The avatar's audio."""

    _sink: AudioSink

    def _take(self, frame: bytes) -> None:
        self._sink.pcm(frame)


class Seeing(_Receiving):
    """The avatar's video."""

    _sink: VideoSink

    def _take(self, frame: bytes) -> None:
        with contextlib.suppress(ValueError):
            seen = relay_wire.unpack_picture(frame)
            self._sink.picture(Picture(seen.data, seen.width, seen.height, captured=seen.captured))


class _Sound(Stream):
    """A microphone's connection: every 20 ms it sends what is due."""

    def __init__(self, media: Streams, want: Mapping[str, Any], writer: Speaking) -> None:
        super().__init__(media, want)
        self._writer = writer

    def close(self) -> None:
        """See `MediaSubscription`."""
        self._writer.end()
        super().close()

    async def _serve(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        # The relay sends nothing; reading notices the end of the connection.
        reading = asyncio.ensure_future(ws.receive())
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while not reading.done():
                piece = self._writer.take()
                if piece:
                    await ws.send_bytes(piece)
                due = max(due + PIECE, loop.time() - 10 * PIECE)
                await asyncio.wait({reading}, timeout=max(0.0, due - loop.time()))
        finally:
            reading.cancel()
            await asyncio.wait({reading})


class Speaking(PacedWriter):
    """A microphone and its stream."""

    def __init__(self, media: Streams, request: AudioRequest, queue: float) -> None:
        super().__init__(request, queue)
        want = {
            "do": "speak",
            "sample_rate": request.sample_rate,
            "channels": request.channels,
        }
        self.stream = _Sound(media, want, self)

    async def close(self) -> None:
        """See `AudioWriter`."""
        self.stream.close()


class _Pictures(Stream):
    """A camera's connection: it sends the newest picture, and leaves out what it has no time for.

    Attributes:
        closed: whether it was ended.
    """

    def __init__(self, media: Streams) -> None:
        super().__init__(media, {"do": "show"})
        self.closed = False
        self._newest: VideoFrame | None = None
        self._news = asyncio.Event()

    def put(self, frame: VideoFrame) -> None:
        """To be sent next, in place of one that wasn't yet."""
        self._newest = frame
        self._news.set()

    def close(self) -> None:
        """See `MediaSubscription`."""
        self.closed = True
        super().close()

    async def _serve(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        # The relay sends nothing; reading notices the end of the connection.
        reading = asyncio.ensure_future(ws.receive())
        sending = asyncio.ensure_future(self._send(ws))
        try:
            await asyncio.wait({reading, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, sending):
                task.cancel()
            await asyncio.gather(reading, sending, return_exceptions=True)

    async def _send(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            frame = self._newest
            assert frame is not None
            shown = relay_wire.Shown(
                frame.format, frame.rotation, frame.width, frame.height, memoryview(frame.data)
            )
            await ws.send_bytes(relay_wire.pack_shown(shown))


class Showing(VideoWriter):
    """A camera and its stream."""

    def __init__(self, media: Streams) -> None:
        self.stream = _Pictures(media)
        self._muted = False

    def write(self, frame: VideoFrame) -> None:
        """See `VideoWriter`."""
        if self.stream.closed:
            raise DisconnectedError("the track was closed", reason="closed")
        if not self._muted:
            self.stream.put(frame)

    def mute(self, muted: bool) -> None:
        """See `VideoWriter`."""
        self._muted = muted

    async def close(self) -> None:
        """See `VideoWriter`."""
        self.stream.close()


async def close(ws: aiohttp.ClientWebSocketResponse) -> None:
    """Bounded; a relay that doesn't answer is cut off."""
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await ws.close()
    finally:
        release(ws)


def release(ws: aiohttp.ClientWebSocketResponse) -> None:
    """Gives its connection back, which aiohttp does where `close` came to its end only, not where
    the connection broke.
    """
    ws._response.close()  # noqa: SLF001 - it has no other name
