"""A microphone of the program's own: what the avatar hears."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from akool_async.media.audio_input import AudioSource, check_audio, read_audio
from akool_async.media.contract import AudioRequest, AudioWriter, MediaTransport
from akool_async.media.frames import check_pcm
from akool_async.media.own_track import OwnTrack
from akool_async.media.playout import wait_played

__all__ = ["Microphone"]


#: Milliseconds that are handed to the room at a time.
_PIECE_MS: Final = 20
#: The longest that a source may give nothing, in seconds.
_SOURCE_TIMEOUT: Final = 30.0
#: The longest that the avatar is taken to speak without an `audio_end`, in seconds.
_LONGEST_SPEECH: Final = 60.0


class Microphone(OwnTrack[AudioWriter]):
    """Sound for the avatar: the service recognises what is said, and the avatar answers.

    A context manager; the track is published from entering the block to leaving it. It goes on
    through reconnects and a session that is replaced by another one. `write` and `play` are for one
    task at a time, everything else for any.

    Attributes:
        sample_rate, channels: of what is written.
    """

    def __init__(
        self,
        request: AudioRequest,
        *,
        queue_ms: int,
        muted: bool,
        mute_while_avatar_speaks: bool,
        transport: Callable[[], MediaTransport],
        ended: Callable[[Microphone], None],
        spoken: Callable[[bytes, AudioRequest, float], None],
    ) -> None:
        """Made by `AvatarSession.microphone`.

        Args:
            request: the form of what is written.
            queue_ms: milliseconds that wait to be played at most.
            muted: whether it begins muted.
            mute_while_avatar_speaks: against echo.
            transport: the one to publish by; raises where it can't.
            ended: called when it is closed.
            spoken: called with samples that aren't muted, once the room has them, with their form
                and the seconds that are still to be played.
        """
        super().__init__("microphone", muted=muted, transport=transport, ended=ended)
        self.sample_rate = request.sample_rate
        self.channels = request.channels
        self._request = request
        self._queue_ms = queue_ms
        self._waits = mute_while_avatar_speaks
        self._avatar_speaks = False
        self._speech_timer: asyncio.TimerHandle | None = None
        self._spoken = spoken
        #: Set while there is a writer, and at the end.
        self._ready = asyncio.Event()
        self._clears = 0
        self._unwritten = 0.0
        self._written = 0
        self._writing = False

    # Its life.

    async def _publish_by(self, transport: MediaTransport, timeout: float) -> AudioWriter:
        return await transport.speak(self._request, queue_ms=self._queue_ms, timeout=timeout)

    async def _publish(self) -> None:
        await super()._publish()
        if self._writer is not None:
            self._ready.set()

    def withdraw(self) -> None:
        """Its transport is given up: what is written from now on waits for `publish`."""
        super().withdraw()
        if self._error is None:
            self._ready.clear()

    def end(self, error: BaseException) -> None:
        """Nothing can be written any more: `write` raises `error`."""
        super().end(error)
        if self._speech_timer is not None:
            self._speech_timer.cancel()
        self._ready.set()

    # Sound.

    async def write(self, pcm: bytes) -> None:
        """Speaks s16le samples, channels interleaved; any amount. Paces: returns when all of it is
        with the room, and at most `queue_ms` of it is still to be played.

        Cancelled, what wasn't handed over isn't spoken; what was, is: call `clear`.

        Raises:
            InvalidParameterError: no whole samples of all channels, or no bytes.
            SendError: the room doesn't take it.
            DisconnectedError, ConversationClosedError: the conversation is over, or the microphone
                was closed.
        """
        size = check_pcm("pcm", pcm, self.channels)
        if self._writing:
            raise RuntimeError("this microphone is already being written to by another task")
        self._writing = True
        bytes_per_second = 2 * self.channels * self.sample_rate
        piece = bytes_per_second * _PIECE_MS // 1000 // (2 * self.channels) * 2 * self.channels
        clears = self._clears
        try:
            for at in range(0, size, piece):
                self._unwritten = (size - at) / bytes_per_second
                writer = await self._current()
                if clears != self._clears:
                    return
                self._written += piece
                await writer.write(pcm[at : at + piece])
                if not self.muted:
                    self._spoken(pcm[at : at + piece], self._request, writer.queued)
        finally:
            self._writing, self._unwritten = False, 0.0

    async def play(self, source: AudioSource) -> None:
        """Speaks a whole source at its pace; returns when it was played, or cleared.

        Args:
            source: the path of a WAV or of any file that PyAV reads, which is converted; or, in
                this microphone's form: bytes, a numpy array (int16, or floats from -1 to 1; shape
                (samples,) or (samples, channels)), or an async iterable of them or `AudioFrame`s.

        Raises:
            InvalidParameterError: an array of another kind or shape, a file that can't be read.
            MissingDependencyError: the file needs PyAV.
            AudioTimeoutError: the source gave nothing for 30 s.
            AudioSourceError: an async iterable cancelled itself.
            SendError, DisconnectedError, ConversationClosedError: as `write`.
        """
        check_audio(source, self.sample_rate, self.channels)
        clears = self._clears
        async with contextlib.aclosing(
            read_audio(source, self.sample_rate, self.channels, timeout=_SOURCE_TIMEOUT)
        ) as pieces:
            async for pcm in pieces:
                if clears != self._clears:
                    return
                await self.write(pcm)
        if clears == self._clears:
            await self.wait_for_playout()

    def clear(self) -> float:
        """Drops what wasn't played, what `write` and `play` haven't handed over included; they
        return. Returns the seconds dropped, as far as they are known.
        """
        self._clears += 1
        dropped = self._unwritten
        self._unwritten = 0.0
        if self._writer is not None:
            dropped += self._writer.clear()
        return dropped

    async def wait_for_playout(self) -> None:
        """Returns when everything written was played, or dropped.

        Raises:
            SendError: the room didn't play it, 5 s after it should have been over.
        """
        if self._writer is not None:
            await wait_played(self._writer, lambda: self._written)

    @property
    def queued(self) -> float:
        """Seconds that were written and not played yet."""
        return self._unwritten + (self._writer.queued if self._writer is not None else 0.0)

    # Muting.

    @property
    def muted(self) -> bool:
        """Whether the avatar hears nothing, for whatever reason."""
        return self._muted or (self._waits and self._avatar_speaks)

    @contextlib.contextmanager
    def talking(self) -> Iterator[None]:
        """Push to talk: `with microphone.talking(): …` unmutes it for the block."""
        self.unmute()
        try:
            yield
        finally:
            self.mute()

    def avatar_speaks(self, speaks: bool) -> None:
        """The avatar began to speak, or stopped; called by the conversation."""
        if not self._waits or self._error is not None:
            return
        if self._speech_timer is not None:
            self._speech_timer.cancel()
            self._speech_timer = None
        self._avatar_speaks = speaks
        if speaks:
            loop = asyncio.get_running_loop()
            self._speech_timer = loop.call_later(_LONGEST_SPEECH, self.avatar_speaks, False)
        self._apply_mute()

    async def _current(self) -> AudioWriter:
        """The writer, once the track is published."""
        if not self._opened:
            await self.open()
        writer = self._writer
        while writer is None:
            self._check_open()
            await self._ready.wait()
            writer = self._writer
        self._check_open()
        return writer
