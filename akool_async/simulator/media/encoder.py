"""An avatar's sound and picture as Opus and VP8, encoded once for all who take them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import av
from av.video.frame import PictureType

from akool_async.simulator.media.feed import Feed
from akool_async.simulator.media.mouth import RATE, TICK

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Broadcast", "Kind", "PacketSink"]

Kind: TypeAlias = Literal["audio", "video"]
#: Takes an `av.Packet`, on the event loop.
PacketSink: TypeAlias = Callable[[Any], None]

_SOUND_BITS: Final = 32_000
#: Bits a second for each pixel a second, as WebRTC gives talking heads.
_BITS_PER_PIXEL: Final = 0.23
_VIDEO_CLOCK: Final = 90_000
#: As libwebrtc sets libvpx for calls.
_VP8: Final = {
    "cpu-used": "-8",
    "deadline": "realtime",
    "lag-in-frames": "0",
    "static-thresh": "100",
    "undershoot-pct": "100",
    "overshoot-pct": "15",
}


class Broadcast:
    """Encodes a feed while there is a taker of its packets.

    Attributes:
        bits: the picture's bits a second.
        muted: kinds of which no packets come.
    """

    def __init__(self, feed: Feed, *, width: int, height: int, fps: int) -> None:
        self._feed = feed
        self._size = (width, height)
        self.bits = max(150_000, int(width * height * fps * _BITS_PER_PIXEL))
        self._takers: dict[Kind, set[PacketSink]] = {"audio": set(), "video": set()}
        self.muted: set[Kind] = set()
        self._loop = asyncio.get_running_loop()
        self._opus: Any = None
        self._vp8: Any = None
        self._wants_key = True

    def add(self, kind: Kind, taker: PacketSink) -> None:
        """One more taker of a kind; for video a key frame comes next."""
        self._takers[kind].add(taker)
        if kind == "audio":
            self._feed.add(sound=self._sound)
        else:
            self.request_key_frame()
            self._feed.add(picture=self._picture)

    def remove(self, kind: Kind, taker: PacketSink) -> None:
        """One less."""
        self._takers[kind].discard(taker)
        if self._takers[kind]:
            return
        if kind == "audio":
            self._feed.remove(sound=self._sound)
        else:
            self._feed.remove(picture=self._picture)

    def mute(self, kind: Kind, *, on: bool) -> None:
        """Stops the packets of a kind, or lets them come again."""
        if on:
            self.muted.add(kind)
        else:
            self.muted.discard(kind)
            self.request_key_frame()

    def request_key_frame(self) -> None:
        """The next picture can be decoded without those before it."""
        self._wants_key = True

    def _sound(self, piece: NDArray[Any], tick: int) -> None:
        if "audio" in self.muted:
            return
        if self._opus is None:
            self._opus = av.CodecContext.create("libopus", "w")
            self._opus.format, self._opus.layout = "s16", "mono"
            self._opus.sample_rate, self._opus.bit_rate = RATE, _SOUND_BITS
            self._opus.time_base = Fraction(1, RATE)
            self._opus.options = {"application": "voip"}
        frame = av.AudioFrame.from_ndarray(piece[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, tick * TICK, Fraction(1, RATE)
        self._deliver("audio", self._opus.encode(frame))

    def _picture(self, picture: NDArray[Any], at: float) -> None:
        if "video" in self.muted:
            return
        if self._vp8 is None:
            self._vp8 = self._new_vp8()
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = int(at * _VIDEO_CLOCK), Fraction(1, _VIDEO_CLOCK)
        if self._wants_key:
            self._wants_key = False
            frame.pict_type = PictureType.I
        packets = self._vp8.encode(frame)
        self._loop.call_soon_threadsafe(self._deliver, "video", packets)

    def _new_vp8(self) -> Any:
        vp8: Any = av.CodecContext.create("libvpx", "w")
        vp8.width, vp8.height = self._size
        vp8.pix_fmt, vp8.bit_rate, vp8.gop_size = "yuv420p", self.bits, 3000
        vp8.time_base = Fraction(1, _VIDEO_CLOCK)
        bits = str(self.bits)
        vp8.options = {**_VP8, "minrate": bits, "maxrate": bits, "bufsize": bits}
        vp8.qmin, vp8.qmax, vp8.thread_count = 2, 56, 1
        return vp8

    def _deliver(self, kind: Kind, packets: list[Any]) -> None:
        for packet in packets:
            for taker in list(self._takers[kind]):
                taker(packet)
