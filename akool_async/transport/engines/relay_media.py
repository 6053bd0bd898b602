"""The audio and video of a simulator's relay, at the member's end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import aiohttp

from akool_async.concurrency import Tasks
from akool_async.errors import NotSupportedError, SendError
from akool_async.media import (
    AudioRequest,
    AudioSink,
    AudioWriter,
    MediaCapabilities,
    MediaSubscription,
    TrackInfo,
    VideoRequest,
    VideoSink,
    VideoWriter,
)
from akool_async.transport.engines import relay_wire
from akool_async.transport.engines.media import EngineMedia
from akool_async.transport.engines.relay_streams import (
    CLOSE_TIMEOUT,
    Hearing,
    Seeing,
    Showing,
    Speaking,
    Stream,
    close,
)

__all__ = ["RelayMedia"]

#: Seconds until the relay answers.
_ANSWER_TIMEOUT: Final = 10.0

_Writer = TypeVar("_Writer", Speaking, Showing)


class RelayMedia(EngineMedia):
    """What the relay carries beside packets: both ways of audio and of video.

    Args:
        url: of the relay's media.
        join_request: what the member joined with; `None` while it is in no room.
    """

    def __init__(self, url: str, join_request: Callable[[], relay_wire.JoinRequest | None]) -> None:
        self._url = url
        self._join_request = join_request
        self._tracks: dict[str, tuple[TrackInfo, ...]] = {}
        self._there: bool | None = None
        self._streams: set[Stream] = set()
        self._ending = Tasks()

    @property
    def capabilities(self) -> MediaCapabilities:
        """All, or none where the relay has none."""
        there = self._there is not False
        return MediaCapabilities(hear=there, see=there, speak=there, show=there)

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
        return self._open(Hearing(self, want, sink))

    def see(self, identity: str, request: VideoRequest, sink: VideoSink) -> MediaSubscription:
        """See `EngineMedia`."""
        want = {"do": "see", "of": identity, "format": request.format}
        return self._open(Seeing(self, want, sink))

    async def speak(self, request: AudioRequest, *, queue_ms: int, timeout: float) -> AudioWriter:
        """See `EngineMedia`."""
        writer = Speaking(self, request, queue_ms / 1000)
        return await self._publish(writer, timeout)

    async def show(self, width: int, height: int, *, timeout: float) -> VideoWriter:
        """See `EngineMedia`."""
        if 4 * width * height >= relay_wire.MAX_MEDIA_FRAME:
            raise NotSupportedError(f"a relay carries no pictures of {width}x{height} pixels")
        return await self._publish(Showing(self), timeout)

    async def _publish(self, writer: _Writer, timeout: float) -> _Writer:
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
        if self._ending.running:
            await asyncio.wait(self._ending.running, timeout=2 * CLOSE_TIMEOUT)

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
            await close(ws)
            raise
        return ws

    def forget(self, stream: Stream, task: asyncio.Task[None]) -> None:
        """A stream was closed; its task ends."""
        self._streams.discard(stream)
        self._ending.add(task)

    def _open(self, stream: Stream) -> MediaSubscription:
        self._streams.add(stream)
        stream.start()
        return stream

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change()


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
