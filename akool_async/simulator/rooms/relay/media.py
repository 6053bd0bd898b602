"""The avatar seen and heard in a relay's room, and the members' microphones and cameras.

A websocket for each stream, beside the one of packets: pictures never hold packets up. Who doesn't
read in time loses the oldest.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import av
import numpy as np
from aiohttp import web

from akool_async.media.frames import AudioFrame, VideoFrame
from akool_async.simulator.media.mouth import RATE
from akool_async.simulator.rooms.room import check_media_kind
from akool_async.transport.engines import relay_wire

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from akool_async.simulator.media.avatar_media import AvatarMedia

__all__ = ["RelayMedia"]

logger = logging.getLogger(__name__)

#: Frames kept for who doesn't read: a second of sound, two pictures.
_MOST_SOUND: Final = 50
_MOST_PICTURES: Final = 2


class RelayMedia:
    """The avatar's tracks in one room, and the streams of its members.

    Args:
        media: the avatar's.
        notify: called with the tracks whenever they changed.

    Attributes:
        tracks: what the avatar publishes, as members see it, by kind.
    """

    def __init__(self, media: AvatarMedia, notify: Callable[[list[dict[str, Any]]], None]) -> None:
        self.media = media
        self.tracks: dict[str, dict[str, Any]] = {}
        self._notify = notify
        self._streams: dict[web.WebSocketResponse, tuple[str, asyncio.BaseTransport | None]] = {}

    def publish(self, kind: str = "video") -> None:
        """A new track of that kind, in place of the one there is.

        Raises:
            ValueError: there is no such kind.
        """
        check_media_kind(kind)
        track: dict[str, Any] = {"id": f"track-{secrets.token_hex(4)}", "kind": kind, "name": kind}
        if kind == "video":
            settings = self.media.settings
            track |= {"width": settings.width, "height": settings.height}
        self.tracks.pop(kind, None)
        self.tracks[kind] = {**track, "muted": False}
        self._changed()

    def unpublish(self, kind: str = "video") -> None:
        """No track of that kind any more."""
        check_media_kind(kind)
        if self.tracks.pop(kind, None) is not None:
            self._changed()

    def mute(self, kind: str = "video", *, on: bool = True) -> None:
        """Its track goes on to be published; silence comes, or no pictures."""
        check_media_kind(kind)
        if kind in self.tracks:
            self.tracks[kind] = {**self.tracks[kind], "muted": on}
            self._changed()

    def drop(self) -> None:
        """Every stream's connection breaks."""
        for _, transport in self._streams.values():
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()

    async def end(self, identity: str | None = None) -> None:
        """The streams of a member end; `None`: of all."""
        for ws, (whose, _) in list(self._streams.items()):
            if identity is None or whose == identity:
                await ws.close()

    async def serve(
        self,
        ws: web.WebSocketResponse,
        transport: asyncio.BaseTransport | None,
        identity: str,
        want: Mapping[str, Any],
        of_avatar: bool,
    ) -> None:
        """One stream, until its connection ends."""
        stream = _stream(self, identity, want, of_avatar)
        if stream is None:
            await ws.send_json(relay_wire.unsupported("there is no such stream"))
            return
        await ws.send_json({"event": "accepted"})
        self._streams[ws] = (identity, transport)
        sending = asyncio.create_task(stream.send(ws), name="loopback media writer")
        try:
            async for message in ws:
                if message.type is aiohttp.WSMsgType.BINARY:
                    stream.take(message.data)
        finally:
            del self._streams[ws]
            stream.close()
            sending.cancel()
            await asyncio.wait({sending})

    def _changed(self) -> None:
        self._notify(list(self.tracks.values()))


class _Stream:
    """A member's stream; each kind does what it is for."""

    async def send(self, ws: web.WebSocketResponse) -> None:
        """Sends what there is until it is cancelled."""

    def take(self, frame: bytes) -> None:
        """A frame of the member."""

    def close(self) -> None:
        """Ends it."""


class _Sending(_Stream):
    """Frames of one of the avatar's tracks, the oldest dropped."""

    def __init__(self, room: RelayMedia, kind: str, most: int) -> None:
        self._room = room
        self._kind = kind
        self._track: str | None = None
        self._frames: deque[bytes | str] = deque(maxlen=most)
        self._news = asyncio.Event()

    async def send(self, ws: web.WebSocketResponse) -> None:
        """See `_Stream`."""
        with contextlib.suppress(ConnectionError):  # its reader notices, too
            while True:
                await self._news.wait()
                self._news.clear()
                while self._frames:
                    frame = self._frames.popleft()
                    if isinstance(frame, str):
                        await ws.send_str(frame)
                    else:
                        await ws.send_bytes(frame)

    def publishes(self) -> bool:
        """Whether there is a track to send of; a new one is announced."""
        track = self._room.tracks.get(self._kind)
        if track is None:
            self._track = None
            return False
        if track["id"] != self._track:
            self._track = track["id"]
            self._frames.clear()
            self._put(relay_wire.STARTED)
        return True

    @property
    def muted(self) -> bool:
        """Whether the track is."""
        return bool(self._room.tracks[self._kind]["muted"])

    def _put(self, frame: bytes | str) -> None:
        self._frames.append(frame)
        self._news.set()


class _Hearing(_Sending):
    def __init__(self, room: RelayMedia, sample_rate: int, channels: int) -> None:
        super().__init__(room, "audio", _MOST_SOUND)
        self._form = (sample_rate, channels)
        layout = "mono" if channels == 1 else "stereo"
        self._resampler = av.AudioResampler("s16", layout, sample_rate)
        room.media.feed.add(sound=self._sound)

    def _sound(self, piece: NDArray[Any], tick: int) -> None:
        del tick
        if not self.publishes():
            return
        if self.muted:
            piece = np.zeros_like(piece)
        if self._form == (RATE, 1):
            self._put(piece.astype("<i2").tobytes())
            return
        frame = AudioFrame(piece.astype("<i2").tobytes(), RATE).to_av()
        frame.pts = None
        for part in self._resampler.resample(frame):
            self._put(part.to_ndarray().astype("<i2").tobytes())

    def close(self) -> None:
        """See `_Stream`."""
        self._room.media.feed.remove(sound=self._sound)


class _Seeing(_Sending):
    def __init__(self, room: RelayMedia, pixels: str) -> None:
        super().__init__(room, "video", _MOST_PICTURES + 1)
        self._pixels = pixels
        self._loop = asyncio.get_running_loop()
        room.media.feed.add(picture=self._picture)

    def _picture(self, picture: NDArray[Any], at: float) -> None:
        # In a thread; the next picture draws over this one.
        height, width = picture.shape[0] * 2 // 3, picture.shape[1]
        if self._pixels != "i420":
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            picture = frame.to_ndarray(format=self._pixels)
        sent = relay_wire.pack_picture(at, width, height, picture.tobytes())
        with contextlib.suppress(RuntimeError):  # the loop was closed
            self._loop.call_soon_threadsafe(self._offer, sent)

    def _offer(self, frame: bytes) -> None:
        if self.publishes() and not self.muted:
            self._put(frame)

    def close(self) -> None:
        """See `_Stream`."""
        self._room.media.feed.remove(picture=self._picture)


class _Speaking(_Stream):
    def __init__(self, room: RelayMedia, identity: str, sample_rate: int, channels: int) -> None:
        self._room = room
        self._identity = identity
        self._form = (sample_rate, channels)
        self._resampler = av.AudioResampler("s16", "mono", RATE)

    def take(self, frame: bytes) -> None:
        """See `_Stream`."""
        rate, channels = self._form
        whole = len(frame) // (2 * channels) * 2 * channels
        if not whole:
            return
        sound = AudioFrame(frame[:whole], rate, channels).to_av()
        sound.pts = None
        for part in self._resampler.resample(sound):
            self._room.media.hear(self._identity, part.to_ndarray()[0])


class _Showing(_Stream):
    def __init__(self, room: RelayMedia, identity: str) -> None:
        self._room = room
        self._identity = identity

    def take(self, frame: bytes) -> None:
        """See `_Stream`."""
        try:
            shown = relay_wire.unpack_shown(frame)
            picture = VideoFrame(
                shown.data, shown.width, shown.height, shown.format, rotation=shown.rotation
            )
        except ValueError as error:
            logger.debug("a member shows what is no picture: %s", error)
            return
        self._room.media.sight.see(self._identity, picture)


def _stream(
    room: RelayMedia, identity: str, want: Mapping[str, Any], of_avatar: bool
) -> _Stream | None:
    """What a member wants; `None`: there is no such thing."""
    if want.get("do") == "show":
        return _Showing(room, identity)
    rate, channels = want.get("sample_rate"), want.get("channels")
    if want.get("do") == "see":
        pixels = want.get("format")
        known = of_avatar and pixels in ("i420", "rgb24", "rgba")
        return _Seeing(room, str(pixels)) if known else None
    if not isinstance(rate, int) or not 8_000 <= rate <= 48_000 or channels not in (1, 2):
        return None
    if want.get("do") == "hear":
        return _Hearing(room, rate, channels) if of_avatar else None
    if want.get("do") == "speak":
        return _Speaking(room, identity, rate, channels)
    return None
