"""The audio and video of a simulator's relay, at the member's end: a websocket for each stream.

`relay_wire` has the frames. A stream whose connection breaks is opened again until it is closed.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import aiohttp

from akool_async.concurrency import Backoff
from akool_async.errors import NotSupportedError, SendError
from akool_async.media import (
    AudioRequest,
    AudioSink,
    AudioWriter,
    MediaCapabilities,
    MediaSubscription,
    Picture,
    TrackInfo,
    VideoRequest,
    VideoSink,
)
from akool_async.transport.engines import relay_wire
from akool_async.transport.engines.media import EngineMedia
from akool_async.transport.engines.paced_writer import PIECE, PacedWriter

__all__ = ["RelayMedia"]

logger = logging.getLogger(__name__)

_FIRST_RETRY: Final = 0.1
_LAST_RETRY: Final = 1.0
#: Seconds until the relay answers, and for closing a connection.
_ANSWER_TIMEOUT: Final = 10.0
_CLOSE_TIMEOUT: Final = 1.0


class RelayMedia(EngineMedia):
    """What the relay carries beside packets: both ways of audio, and the avatar's video.

    Args:
        url: of the relay's media.
        join_request: what the member joined with; `None` while it is in no room.
    """

    def __init__(self, url: str, join_request: Callable[[], relay_wire.JoinRequest | None]) -> None:
        self._url = url
        self._join_request = join_request
        self._tracks: dict[str, tuple[TrackInfo, ...]] = {}
        self._there: bool | None = None
        self._streams: set[_Stream] = set()
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def capabilities(self) -> MediaCapabilities:
        """All but sending video: a simulated avatar doesn't see. None where the relay has none."""
        there = self._there is not False
        return MediaCapabilities(hear=there, see=there, speak=there, show=False)

    def tracks(self, identity: str) -> tuple[TrackInfo, ...]:
        """See `EngineMedia`."""
        return self._tracks.get(identity, ())

    def joined(self, answer: Mapping[str, Any]) -> None:
        """The relay's answer to joining: whether it carries media, and who publishes what."""
        tracks = answer.get("tracks")
        self._there = tracks is not None
        self._tracks = {who: _infos(given) for who, given in (tracks or {}).items()}
        self._changed()

    def notice(self, notice: Mapping[str, Any]) -> None:
        """A user's tracks changed."""
        self._tracks[notice["identity"]] = _infos(notice["tracks"])
        self._changed()

    def hear(self, identity: str, request: AudioRequest, sink: AudioSink) -> MediaSubscription:
        """See `EngineMedia`."""
        want = {
            "do": "hear",
            "of": identity,
            "sample_rate": request.sample_rate,
            "channels": request.channels,
        }
        return self._open(_Hearing(self, want, sink))

    def see(self, identity: str, request: VideoRequest, sink: VideoSink) -> MediaSubscription:
        """See `EngineMedia`."""
        want = {"do": "see", "of": identity, "format": request.format}
        return self._open(_Seeing(self, want, sink))

    async def speak(self, request: AudioRequest, *, queue_ms: int, timeout: float) -> AudioWriter:
        """See `EngineMedia`."""
        writer = _Speaking(self, request, queue_ms / 1000)
        self._open(writer.stream)
        try:
            async with asyncio.timeout(timeout):
                await writer.stream.up.wait()
        except TimeoutError as error:
            await writer.close()
            text = f"the relay didn't take our track within {timeout:g} s"
            raise SendError(text, retryable=True) from error
        except BaseException:
            await writer.close()
            raise
        if writer.stream.refusal is not None:
            await writer.close()
            raise NotSupportedError(writer.stream.refusal)
        return writer

    async def close(self) -> None:
        """See `EngineMedia`."""
        for stream in tuple(self._streams):
            stream.close()
        if self._ending:
            await asyncio.wait(set(self._ending), timeout=2 * _CLOSE_TIMEOUT)

    # For its streams.

    async def connect(
        self, http: aiohttp.ClientSession, want: Mapping[str, Any]
    ) -> aiohttp.ClientWebSocketResponse:
        """A connection that the relay has accepted.

        Raises:
            ConnectionError: not now.
            NotSupportedError: the relay doesn't carry this.
        """
        request = self._join_request()
        if request is None:
            raise ConnectionResetError("the engine isn't in the room")
        ws = await http.ws_connect(self._url, max_msg_size=relay_wire.MAX_MEDIA_FRAME)
        try:
            await ws.send_json({**request.to_dict(), **want})
            async with asyncio.timeout(_ANSWER_TIMEOUT):
                message = await ws.receive()
            text = message.data if message.type is aiohttp.WSMsgType.TEXT else ""
            answer = relay_wire.read_object(text)
            if answer.get("event") == "unsupported":
                raise NotSupportedError(str(answer.get("message", "")))
            if answer.get("event") != "accepted":
                raise ConnectionResetError("the relay takes no stream now")
        except BaseException:
            await _close(ws)
            raise
        return ws

    def forget(self, stream: _Stream, task: asyncio.Task[None]) -> None:
        """A stream was closed; its task ends."""
        self._streams.discard(stream)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _open(self, stream: _Stream) -> MediaSubscription:
        self._streams.add(stream)
        stream.start()
        return stream

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change()


class _Stream(MediaSubscription):
    """One stream and the task that keeps its connection.

    Attributes:
        up: set when the relay has accepted or refused it.
        refusal: why the relay never will.
    """

    def __init__(self, media: RelayMedia, want: Mapping[str, Any]) -> None:
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
                        await _close(ws)
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


class _Receiving(_Stream):
    def __init__(
        self, media: RelayMedia, want: Mapping[str, Any], sink: AudioSink | VideoSink
    ) -> None:
        super().__init__(media, want)
        self._sink = sink

    def refused(self, error: NotSupportedError) -> None:
        """See `_Stream`."""
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


class _Hearing(_Receiving):
    _sink: AudioSink

    def _take(self, frame: bytes) -> None:
        self._sink.pcm(frame)


class _Seeing(_Receiving):
    _sink: VideoSink

    def _take(self, frame: bytes) -> None:
        with contextlib.suppress(ValueError):
            seen = relay_wire.unpack_picture(frame)
            self._sink.picture(Picture(seen.data, seen.width, seen.height, captured=seen.captured))


class _Outgoing(_Stream):
    """A writer's connection: every 20 ms it sends what is due."""

    def __init__(self, media: RelayMedia, want: Mapping[str, Any], writer: _Speaking) -> None:
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


class _Speaking(PacedWriter):
    """A microphone and its stream."""

    def __init__(self, media: RelayMedia, request: AudioRequest, queue: float) -> None:
        super().__init__(request, queue)
        want = {
            "do": "speak",
            "sample_rate": request.sample_rate,
            "channels": request.channels,
        }
        self.stream = _Outgoing(media, want, self)

    async def close(self) -> None:
        """See `AudioWriter`."""
        self.stream.close()


def _infos(given: Any) -> tuple[TrackInfo, ...]:
    return tuple(
        TrackInfo(
            str(one["id"]),
            "audio" if one["kind"] == "audio" else "video",
            str(one.get("name", "")),
            bool(one.get("muted", False)),
            int(one.get("width", 0)),
            int(one.get("height", 0)),
        )
        for one in given
    )


async def _close(ws: aiohttp.ClientWebSocketResponse) -> None:
    """Bounded; a relay that doesn't answer is cut off."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await ws.close()
