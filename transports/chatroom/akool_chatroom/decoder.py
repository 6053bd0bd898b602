"""Decodes a stream of FLV in a thread, and gives each frame to its sinks at its time.

A server sends a new viewer the last seconds at once. These are decoded, since what follows builds
on them, and not given out: the stream would be late by as much for ever. What comes then is held
back until its time has come, by the stream's own clock, so that sound and pictures stay together.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from akool_async.media import AudioRequest, MediaKind, Picture, TrackInfo, VideoRequest
from akool_async.media.byte_pipe import BytePipe
from akool_chatroom.pixels import pixels

__all__ = ["Decoder", "Outputs"]

_LOG: Final = logging.getLogger("akool_async.transport.chatroom")

#: Microseconds of a stream that are looked at to learn what is in it; FFmpeg's own value takes
#: 1.4 s of a stream that comes at its pace.
_PROBE: Final = {"analyzeduration": "500000"}
#: Seconds after the first packet in which nothing is given out.
_CATCH_UP: Final = 0.25
#: Bytes in which a stream has shown what it is: what can't be read by then isn't FLV.
_ENOUGH: Final = 100_000
#: Frames that the loop hasn't taken yet; more are dropped and counted.
_WAITING: Final = 50
#: Seconds by which a frame's time may be ahead; more is a jump of the stream's clock.
_AHEAD: Final = 3.0
#: Seconds by which the first sound may be late, and how many frames are dropped for it.
_LATE: Final = 0.03
_LATE_AT_MOST: Final = 20
_FORMATS: Final = {"i420": "yuv420p", "rgb24": "rgb24", "rgba": "rgba"}


class Outputs:
    """What is wanted at the moment. Written on the loop, read in the thread.

    Attributes:
        audio: the forms of sound.
        video: the forms of pictures.
    """

    def __init__(self) -> None:
        self.audio: frozenset[AudioRequest] = frozenset()
        self.video: frozenset[VideoRequest] = frozenset()


class Decoder:
    """One stream, from its header to its end.

    `on_tracks`, `on_audio` and `on_video` are called on the event loop.

    Args:
        outputs: what is wanted.
        on_tracks: with the stream's tracks, once.
        on_audio: with a form of sound, and s16le samples in it.
        on_video: with a form of pictures, and one in it.
        on_dropped: with how many frames were dropped because machine or loop were too slow.
    """

    def __init__(
        self,
        outputs: Outputs,
        *,
        on_tracks: Callable[[tuple[TrackInfo, ...]], None],
        on_audio: Callable[[AudioRequest, bytes], None],
        on_video: Callable[[VideoRequest, Picture], None],
        on_dropped: Callable[[int], None],
    ) -> None:
        self._outputs = outputs
        self._on_tracks = on_tracks
        self._on_audio = on_audio
        self._on_video = on_video
        self._on_dropped = on_dropped
        self._loop = asyncio.get_running_loop()
        self._pipe = BytePipe()
        self._stopped = threading.Event()
        self._over = asyncio.Event()
        self._size = 0
        self._waiting = 0
        #: How many frames of each form came late before the first one that was on time.
        self._late: dict[AudioRequest, int] = {}
        #: When the stream's second 0 was, and from when on frames are given out.
        self._zero = float("inf")
        self._live_from = float("inf")
        self._resamplers: dict[AudioRequest, Any] = {}
        self._key_seen = False
        self._thread = threading.Thread(target=self._run, name="akool-chatroom-video", daemon=True)
        self._thread.start()

    async def put(self, data: bytes) -> None:
        """The stream's next bytes; waits while the thread has enough."""
        self._size += len(data)
        await self._pipe.put(data)

    async def close(self) -> None:
        """Ends the thread, and waits for it."""
        self._stopped.set()
        self._pipe.end(drop=True)
        await self._over.wait()
        self._thread.join()

    # In the thread.

    def _run(self) -> None:
        try:
            self._decode()
        except Exception as error:  # noqa: BLE001 - whatever a stream makes of the decoder
            if not self._stopped.is_set() or self._size > _ENOUGH:
                # Never its text, which might hold a part of the stream.
                _LOG.warning("the session's video can't be read: %s", type(error).__name__)
        finally:
            self._call(self._over.set)

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        """On the loop; nothing more where the loop is closed."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)

    def _decode(self) -> None:
        import av

        with av.open(self._pipe, "r", format="flv", container_options=dict(_PROBE)) as stream:
            tracks = []
            for one in stream.streams:
                context: Any = one.codec_context
                if one.type not in ("audio", "video"):
                    continue
                # A thread of its own for each picture would hold several of them back.
                context.thread_count = 1
                kind: MediaKind = "video" if one.type == "video" else "audio"
                size = (context.width, context.height) if kind == "video" else (0, 0)
                tracks.append(TrackInfo(f"{kind}-{one.index}", kind, "", False, *size))
            self._call(self._on_tracks, tuple(tracks))
            self._live_from = time.monotonic() + _CATCH_UP
            self._size = 0
            for packet in stream.demux():
                if self._stopped.is_set():
                    return
                if packet.dts is None or packet.stream.type not in ("audio", "video"):
                    continue
                if packet.stream.type == "audio":
                    if self._outputs.audio:
                        self._decode_audio(packet)
                elif self._video_is_wanted(packet):
                    self._decode_video(packet)
                else:
                    self._its_time(float(packet.dts * packet.time_base))

    def _video_is_wanted(self, packet: Any) -> bool:
        """Decoding begins at a key frame."""
        if not self._outputs.video:
            self._key_seen = False
            return False
        self._key_seen = self._key_seen or packet.is_keyframe
        return self._key_seen

    def _decode_audio(self, packet: Any) -> None:
        for frame in packet.decode():
            at = float(frame.pts * frame.time_base)
            if not self._its_time(at):
                continue
            for request in self._outputs.audio:
                if pcm := self._resampled(frame, request):
                    self._deliver(self._audio_taken, request, pcm, self._zero + at)

    def _resampled(self, frame: Any, request: AudioRequest) -> bytes:
        import av

        if request not in self._resamplers:
            layout = "mono" if request.channels == 1 else "stereo"
            self._resamplers[request] = av.AudioResampler("s16", layout, request.sample_rate)
        size = 2 * request.channels
        return b"".join(
            bytes(one.planes[0])[: size * one.samples]
            for one in self._resamplers[request].resample(frame)
        )

    def _decode_video(self, packet: Any) -> None:
        for frame in packet.decode():
            at = float(frame.pts * frame.time_base)
            if not self._its_time(at):
                continue
            for request in self._outputs.video:
                converted = frame.reformat(format=_FORMATS[request.format])
                data = pixels(converted, request.format)
                picture = Picture(data, frame.width, frame.height, captured=at)
                self._deliver(self._on_video, request, picture)

    def _its_time(self, at: float) -> bool:
        """Holds a frame back until its time has come; `False` for one that isn't given out."""
        now = time.monotonic()
        if now < self._live_from:
            self._zero = min(self._zero, now - at)
            return False
        if self._zero + at - now > _AHEAD:
            self._zero = now - at
        if (pause := self._zero + at - now) > 0:
            self._stopped.wait(pause)
        return True

    def _deliver(self, take: Callable[..., None], *arguments: Any) -> None:
        if self._stopped.is_set():
            return
        if self._waiting >= _WAITING:
            self._call(self._on_dropped, 1)
            return
        self._waiting += 1
        self._call(self._taken, take, *arguments)

    # On the loop.

    def _taken(self, take: Callable[..., None], *arguments: Any) -> None:
        self._waiting -= 1
        if not self._stopped.is_set():
            take(*arguments)

    def _audio_taken(self, request: AudioRequest, pcm: bytes, due: float) -> None:
        """Sound has its time from the arrival of its first samples: those should be on time."""
        late = self._late.get(request, 0)
        if late < _LATE_AT_MOST:
            if time.monotonic() - due > _LATE:
                self._late[request] = late + 1
                self._on_dropped(1)
                return
            self._late[request] = _LATE_AT_MOST
        self._on_audio(request, pcm)
