"""The media half of a transport: which tracks there are, frames in, frames out.

Optional, and separate from `Transport`: one that carries audio or video returns a `MediaTransport`
by its property `media`. The transport owns it, and ends it in its own `close`. It keeps to its
room: it follows the avatar's tracks through mutes, unpublishing, reconnects and the avatar's
return. What is above shares one subscription between readers, keeps the clock, drops what isn't
read in time, and moves to another `MediaTransport` when a session is replaced by another one.

Everything is called on the event loop. No vendor's type crosses this contract.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from akool_async.errors import NotSupportedError
from akool_async.media.frames import PixelFormat, Pixels, VideoFrame

__all__ = [
    "AudioRequest",
    "AudioSink",
    "AudioWriter",
    "EncodedSink",
    "MediaCapabilities",
    "MediaKind",
    "MediaSubscription",
    "MediaTransport",
    "Picture",
    "TrackInfo",
    "VideoRequest",
    "VideoSink",
    "VideoWriter",
]

MediaKind = Literal["audio", "video"]


@dataclass(frozen=True, slots=True)
class MediaCapabilities:
    """What a transport can do in the room that it is in.

    Attributes:
        hear: receive the avatar's audio.
        see: receive the avatar's video.
        speak: send audio, which the avatar hears.
        show: send video, which the service's vision sees.
    """

    hear: bool = False
    see: bool = False
    speak: bool = False
    show: bool = False


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """A track that the avatar publishes.

    Attributes:
        id: unlike that of any other track of the room, also of the same track published again.
        kind: audio or video.
        name: as the avatar named it; may be empty.
        muted: nothing comes at the moment.
        width: of a video as it was announced, in pixels; 0: not announced.
        height: the same.
    """

    id: str
    kind: MediaKind
    name: str = ""
    muted: bool = False
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class AudioRequest:
    """In which form audio is wanted, or will be written.

    Attributes:
        sample_rate: in Hz, 8,000 to 48,000.
        channels: 1 or 2.
        frame_ms: milliseconds of a frame, 10 to 100. A transport may give other amounts.
    """

    sample_rate: int = 48_000
    channels: int = 1
    frame_ms: int = 20


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """In which form video is wanted.

    Attributes:
        format: of the pixels.
        max_height: pixels; larger pictures aren't needed. A transport that can choose among
            several sizes takes the smallest one that has as many, or else the largest one.
            `None`: the largest one.
    """

    format: PixelFormat = "i420"
    max_height: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A received video frame, before it has its place on the session's clock.

    Attributes:
        data: the pixels in the format that was asked for, rows without padding. Handed over:
            whoever made it doesn't change it any more.
        width: in pixels.
        height: in pixels.
        rotation: degrees by which it has to be turned clockwise for a viewer: 0, 90, 180, 270.
        captured: when it was taken, in seconds of any steady clock; `None`: not known.
    """

    data: Pixels
    width: int
    height: int
    rotation: int = 0
    captured: float | None = None


@runtime_checkable
class AudioSink(Protocol):
    """Where received audio goes. Its methods neither block nor raise."""

    def started(self) -> None:
        """A stream begins: the first one, or one after a pause, a reconnect or of another track.

        What comes next has its time from its arrival, and what follows from its samples.
        """

    def pcm(self, data: bytes) -> None:
        """Whole samples of all channels in the requested form, s16le, interleaved; any amount."""

    def failed(self, error: BaseException) -> None:
        """Nothing more will come by this subscription; readers raise `error`."""


@runtime_checkable
class VideoSink(Protocol):
    """Where received video goes. Its methods neither block nor raise."""

    def started(self) -> None:
        """A stream begins, as in `AudioSink`."""

    def picture(self, picture: Picture) -> None:
        """A picture, in the order they were taken. Its size may differ from the one before."""

    def failed(self, error: BaseException) -> None:
        """Nothing more will come by this subscription; readers raise `error`."""


class MediaSubscription(abc.ABC):
    """The avatar's audio or video, as long as it is open."""

    @abc.abstractmethod
    def close(self) -> None:
        """Ends it: its sink isn't called any more. Twice is fine, also after the transport's end.

        The room should stop sending soon after the last one of a kind was closed.
        """


class EncodedSink(Protocol):
    """Where encoded audio and video go, as a file of some format. Its methods don't raise."""

    def started(self, container: str) -> None:
        """A stream begins, with its header: the first one, or one after a pause or a reconnect.

        `container` is FFmpeg's name of the format, "flv" for example.
        """

    async def data(self, data: bytes) -> None:
        """The next bytes of the stream. Waiting here holds the sender back."""

    def failed(self, error: BaseException) -> None:
        """Nothing more will come by this subscription."""


class AudioWriter(abc.ABC):
    """A published audio track of our own. It follows its room through reconnects."""

    @property
    @abc.abstractmethod
    def queued(self) -> float:
        """Seconds that were written and not played yet."""

    @abc.abstractmethod
    async def write(self, pcm: bytes) -> None:
        """Takes whole samples in the requested form, at most 100 ms at a time.

        Waits while the queue is full, so that writing keeps the pace of playing. One task at a
        time. Cancelled, some of it may be played.

        Raises:
            SendError: the room doesn't take it.
            DisconnectedError: the room is gone for good, or the writer was closed.
        """

    @abc.abstractmethod
    def clear(self) -> float:
        """Drops what wasn't played yet; returns how many seconds that was."""

    @abc.abstractmethod
    async def wait_for_playout(self) -> None:
        """Returns when everything written was played, or dropped. Safe to cancel."""

    @abc.abstractmethod
    def mute(self, muted: bool) -> None:
        """Others hear nothing while it is muted; what is written meanwhile is lost in time."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Drops what wasn't played and unpublishes the track. Twice is fine; doesn't raise."""


class VideoWriter(abc.ABC):
    """A published video track of our own. It follows its room through reconnects."""

    @abc.abstractmethod
    def write(self, frame: VideoFrame) -> None:
        """Shows a picture from now on. Doesn't wait; the encoder may drop it under load.

        Raises:
            SendError: the room doesn't take it.
            DisconnectedError: the room is gone for good, or the writer was closed.
        """

    @abc.abstractmethod
    def mute(self, muted: bool) -> None:
        """Others see nothing new while it is muted."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Unpublishes the track. Twice is fine; doesn't raise."""


class MediaTransport(abc.ABC):
    """Audio and video of one room. A capability that it doesn't declare it needn't implement.

    Attributes:
        on_change: called, on the event loop, after `tracks` or `capabilities` changed. Set by
            what is above; must not raise.
    """

    on_change: Callable[[], None] | None = None

    @property
    @abc.abstractmethod
    def capabilities(self) -> MediaCapabilities:
        """What it can do; before the room is joined, what this kind of room can."""

    @property
    @abc.abstractmethod
    def tracks(self) -> tuple[TrackInfo, ...]:
        """The tracks that the avatar publishes now, never a stranger's; in the order they came."""

    @property
    def audio_delay(self) -> float:
        """Seconds by which audio arrives later at present than the pictures of the same moment,
        because of its jitter buffer; a recording takes them off. It may change.
        """
        return 0.0

    def hear(self, request: AudioRequest, sink: AudioSink) -> MediaSubscription:
        """The avatar's audio from now on, whenever there is any, until it is closed.

        Any number at once. Returns at once; the room is asked in the background.

        Raises:
            NotSupportedError: it can't, or not in this form; the default never can.
        """
        del request, sink
        raise NotSupportedError("this transport receives no audio")

    def see(self, request: VideoRequest, sink: VideoSink) -> MediaSubscription:
        """The avatar's video; as `hear`."""
        del request, sink
        raise NotSupportedError("this transport receives no video")

    def encoded(self, sink: EncodedSink) -> MediaSubscription | None:
        """The avatar's audio and video as the service encoded them, from now on.

        A recording is written from it without decoding. `None`, which is the default: this
        transport doesn't have them in that form.
        """
        del sink
        return None

    async def speak(self, request: AudioRequest, *, queue_ms: int, timeout: float) -> AudioWriter:
        """Publishes an audio track. `queue_ms` of what is written wait at most.

        Cancelled or failed, it leaves nothing published. `timeout` in seconds.

        Raises:
            NotSupportedError: it can't, or not in this form.
            SendError: the room refused the track, or didn't take it in time.
            DisconnectedError: the room is gone for good.
        """
        del request, queue_ms, timeout
        raise NotSupportedError("this transport sends no audio")

    async def show(self, width: int, height: int, *, timeout: float) -> VideoWriter:
        """Publishes a video track for pictures of this size; as `speak`."""
        del width, height, timeout
        raise NotSupportedError("this transport sends no video")
