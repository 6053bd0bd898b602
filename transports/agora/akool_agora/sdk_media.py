"""Audio in and out by Agora's SDK.

What its Python layer (2.4.10) asks for:

- Audio frames of all users come to one observer, which can be registered once for a connection:
  registering again calls a method that isn't there. They have one form for the connection, so all
  who listen have to want the same one.
- A track for sending is made with the connection. What is pushed is a `bytearray` of whole
  milliseconds; the SDK keeps no pace that could be relied on, so it is pushed when it is due.
- Video comes decoded and is pushed decoded, too, but only in a track made with the connection for
  one form; it isn't offered here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from akool_agora.sdk_service import SERVICE
from akool_async.concurrency import Tasks
from akool_async.errors import NotSupportedError, SendError
from akool_async.media import (
    AudioRequest,
    AudioSink,
    AudioWriter,
    MediaCapabilities,
    MediaKind,
    MediaSubscription,
    TrackInfo,
)
from akool_async.transport.engines.media import EngineMedia
from akool_async.transport.engines.paced_writer import PIECE, PacedWriter
from akool_async.transport.native import call_in_thread

__all__ = ["SDKMedia"]

logger = logging.getLogger(__name__)

#: Seconds for what the SDK is being asked at the end.
_CLOSE_TIMEOUT: Final = 2.0


class SDKMedia(EngineMedia):
    """The audio of an `SDKEngine`, through all its joins."""

    def __init__(self) -> None:
        self._at: _Asked | None = None
        self._tracks: dict[str, dict[MediaKind, TrackInfo]] = {}
        self._numbers: Counter[str] = Counter()
        self._hearing: list[_Hearing] = []
        self._writer: _Microphone | None = None
        self._asking = asyncio.Lock()
        self._tasks = Tasks()

    @property
    def capabilities(self) -> MediaCapabilities:
        """Audio both ways."""
        return MediaCapabilities(hear=True, speak=True)

    def tracks(self, identity: str) -> tuple[TrackInfo, ...]:
        """See `EngineMedia`."""
        return tuple(self._tracks.get(identity, {}).values())

    def hear(self, identity: str, request: AudioRequest, sink: AudioSink) -> MediaSubscription:
        """See `EngineMedia`. In one form at a time: another one fails its sink."""
        hearing = _Hearing(self, identity, (request.sample_rate, request.channels), sink)
        if any(one.form != hearing.form for one in self._hearing):
            error = NotSupportedError("Agora's SDK gives audio in one form at a time")
            asyncio.get_running_loop().call_soon(sink.failed, error)
            return hearing
        self._hearing.append(hearing)
        self._ask_later()
        return hearing

    async def speak(self, request: AudioRequest, *, queue_ms: int, timeout: float) -> AudioWriter:
        """See `EngineMedia`. One microphone at a time.

        Raises:
            NotSupportedError: there is one, or the rate has no whole samples in a millisecond.
        """
        if request.sample_rate % 1000:
            text = f"Agora's SDK takes no sound of {request.sample_rate} Hz, but of 16000 or 24000"
            raise NotSupportedError(text)
        if self._writer is not None:
            raise NotSupportedError("Agora's SDK has one microphone at a time")
        writer = self._writer = _Microphone(self, request, queue_ms / 1000)
        try:
            async with asyncio.timeout(timeout):
                await self._ask()
            if self._at is None or not self._at.published:
                raise SendError("Agora's SDK didn't publish our track", retryable=True)
        except TimeoutError as error:
            await writer.close()
            text = f"Agora's SDK didn't take our track within {timeout:g} s"
            raise SendError(text, retryable=True) from error
        except BaseException:
            await writer.close()
            raise
        writer.start()
        return writer

    async def close(self) -> None:
        """See `EngineMedia`."""
        self._hearing.clear()
        if self._writer is not None:
            await self._writer.close()
        if self._tasks.running:
            await asyncio.wait(self._tasks.running, timeout=_CLOSE_TIMEOUT)

    # Called by the engine, on the event loop.

    def joined(self, connection: Any, observe: Callable[[Any], Any]) -> None:
        """In a channel; `observe` makes the SDK's observer of a function of a user and a frame."""
        self._at = _Asked(connection, observe)
        if self._hearing or self._writer is not None:
            self._ask_later()

    def left(self) -> None:
        """Not any more. The connection forgets by itself what it was asked for."""
        self._at = None
        self._tracks.clear()
        for one in self._hearing:
            one.flowing = False

    def published(self, identity: str, kind: MediaKind, *, on: bool) -> None:
        """A user publishes a track of that kind, or doesn't."""
        tracks = self._tracks.setdefault(identity, {})
        if on is (kind in tracks):
            return
        if on:
            self._numbers[identity] += 1
            tracks[kind] = TrackInfo(f"{identity}-{kind}-{self._numbers[identity]}", kind)
        else:
            del tracks[kind]
            for one in self._hearing:
                one.flowing = one.flowing and (one.identity, kind) != (identity, "audio")
        if self.on_change is not None:
            self.on_change()

    def frame(self, identity: str, pcm: bytes, sample_rate: int, channels: int) -> None:
        """A piece of a user's sound."""
        for one in tuple(self._hearing):
            if (one.identity, one.form) == (identity, (sample_rate, channels)):
                if not one.flowing:
                    one.flowing = True
                    one.sink.started()
                one.sink.pcm(pcm)

    # For its own.

    def push(self, pcm: bytearray, request: AudioRequest) -> None:
        """Hands sound over that is due now; dropped outside a channel."""
        if self._at is not None and self._at.published:
            connection = self._at.connection
            code = connection.push_audio_pcm_data(pcm, request.sample_rate, request.channels)
            if code:
                logger.debug("Agora's SDK took no sound: %s", code)

    def interrupt(self) -> None:
        """What the SDK has and didn't send yet is dropped, too."""
        if self._at is not None:
            self._later(self._call(self._at, lambda connection: connection.interrupt_audio()))

    def forget(self, one: _Hearing | _Microphone) -> None:
        """It was closed."""
        if one is self._writer:
            self._writer = None
        elif one in self._hearing:
            self._hearing.remove(one)
        else:
            return
        self._ask_later()

    def _ask_later(self) -> None:
        self._later(self._ask())

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work, name="agora audio")
        self._tasks.add(task)

    async def _ask(self) -> None:
        """Brings the connection to what is wanted now."""
        async with self._asking:
            at = self._at
            if at is None:
                return
            if self._hearing:
                await self._ask_form(at, self._hearing[0].form)
            wanted = {one.identity for one in self._hearing}
            for uid in wanted - at.subscribed:
                at.subscribed.add(uid)
                await self._local(at, "subscribe_audio", uid)
            for uid in at.subscribed - wanted:
                at.subscribed.discard(uid)
                await self._local(at, "unsubscribe_audio", uid)
            speaks = self._writer is not None
            if speaks is not at.published:
                code = await self._call(
                    at, lambda one: one.publish_audio() if speaks else one.unpublish_audio()
                )
                at.published = speaks and code == 0

    async def _ask_form(self, at: _Asked, form: tuple[int, int]) -> None:
        if form != at.form:
            rate, channels = at.form = form
            set_form = "set_playback_audio_frame_before_mixing_parameters"
            await self._local(at, set_form, channels, rate)
        if not at.registered:
            at.registered = True
            observer = at.observe(self.frame)
            await self._call(at, lambda one: one.register_audio_frame_observer(observer, 0, None))

    async def _local(self, at: _Asked, name: str, *arguments: object) -> None:
        await self._call(at, lambda one: getattr(one.get_local_user(), name)(*arguments))

    async def _call(self, at: _Asked, call: Callable[[Any], int]) -> int | None:
        """The SDK's code; `None`: that connection isn't ours any more."""

        def run() -> int | None:
            # `left` comes before the connection is given up, which waits for this.
            return call(at.connection) if self._at is at else None

        code: int | None = await call_in_thread(SERVICE.call, run)
        if code:
            logger.warning("Agora's SDK refused what was asked for its audio: %s", code)
        return code


@dataclass(slots=True)
class _Asked:
    """A connection, and what it was asked for.

    Attributes:
        observe: makes the SDK's observer.
        form: rate and channels of what is heard.
    """

    connection: Any
    observe: Callable[[Any], Any]
    form: tuple[int, int] | None = None
    registered: bool = False
    published: bool = False
    subscribed: set[str] = field(default_factory=set)


class _Hearing(MediaSubscription):
    def __init__(
        self, media: SDKMedia, identity: str, form: tuple[int, int], sink: AudioSink
    ) -> None:
        self.identity = identity
        self.form = form
        self.sink = sink
        self.flowing = False
        self._media = media

    def close(self) -> None:
        """See `MediaSubscription`."""
        self._media.forget(self)


class _Microphone(PacedWriter):
    #: Bytes of whole milliseconds are needed: the last ones are filled up with silence.
    _MS: Final = 10

    def __init__(self, media: SDKMedia, request: AudioRequest, queue: float) -> None:
        super().__init__(request, queue)
        self._media = media
        self._task: asyncio.Task[None] | None = None
        self._unit = request.sample_rate * self._MS // 1000 * 2 * request.channels

    def start(self) -> None:
        """Begins to push what is due."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="agora microphone")

    def clear(self) -> float:
        """See `AudioWriter`."""
        dropped = super().clear()
        if dropped:
            self._media.interrupt()
        return dropped

    async def close(self) -> None:
        """See `AudioWriter`."""
        self.end()
        self._media.forget(self)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if piece := self.take():
                pcm = bytearray(piece)
                pcm += bytes(-len(pcm) % self._unit)
                self._media.push(pcm, self.request)
            due = max(due + PIECE, loop.time() - 10 * PIECE)
            await asyncio.sleep(max(0.0, due - loop.time()))
