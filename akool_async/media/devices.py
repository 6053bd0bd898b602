"""Microphone and loudspeaker of this machine, by the `sounddevice` package (extra `sound`).

    async with Loudspeaker() as speaker, avatar.audio_frames() as frames:
        async for frame in frames:
            speaker.play(frame.pcm)

    async with SoundInput() as sound, avatar.microphone() as microphone:
        async for pcm in sound:
            await microphone.write(pcm)

With both, the microphone hears the loudspeaker: use headphones, or
`avatar.microphone(mute_while_avatar_speaks=True)`.
"""

from __future__ import annotations

import abc
import asyncio
import collections
import contextlib
import importlib
import threading
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from akool_async.errors import ConfigurationError, MissingDependencyError
from akool_async.validation import whole

__all__ = ["Loudspeaker", "SoundInput"]

_BLOCK_MS: Final = 20


class _Device(abc.ABC):
    """A stream of 16-bit mono samples, opened and closed as a context manager.

    `_called` is called by PortAudio's thread, with a block of samples.
    """

    #: The name for people, and the class of the `sounddevice` package.
    _what: ClassVar[str]
    _kind: ClassVar[str]

    def __init__(self, sample_rate: int, device: int | str | None, buffer_ms: int) -> None:
        self._rate = whole("sample_rate", sample_rate, 8_000, 48_000, unit="Hz")
        self._buffer_ms = whole("buffer_ms", buffer_ms, 50, 10_000, unit="ms")
        self._device = device
        self._sounddevice = _sounddevice()
        self._stream: Any = None
        self.dropped = 0.0

    async def __aenter__(self) -> Self:
        self._stream = await _open(
            self._sounddevice,
            self._what,
            getattr(self._sounddevice, self._kind),
            samplerate=self._rate,
            channels=1,
            dtype="int16",
            device=self._device,
            blocksize=self._rate * _BLOCK_MS // 1000,
            callback=self._called,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await asyncio.to_thread(stream.close)

    @abc.abstractmethod
    def _called(self, data: Any, frames: int, time: Any, status: Any) -> None: ...


class Loudspeaker(_Device):
    """Plays s16le mono samples; a context manager.

    Args:
        sample_rate: of what is played, 8,000 to 48,000 Hz.
        device: its number or a part of its name, as `python -m sounddevice` lists them; the
            system's by default.
        buffer_ms: milliseconds that wait at most; beyond them the oldest are dropped.

    Attributes:
        dropped: seconds that were dropped.

    Raises:
        MissingDependencyError: `sounddevice`, or PortAudio which it needs, isn't installed.
    """

    _what = "loudspeaker"
    _kind = "RawOutputStream"

    def __init__(
        self, sample_rate: int = 48_000, *, device: int | str | None = None, buffer_ms: int = 500
    ) -> None:
        super().__init__(sample_rate, device, buffer_ms)
        self._limit = 2 * self._rate * self._buffer_ms // 1000
        self._limit -= self._limit % 2
        self._lock = threading.Lock()
        self._waiting = bytearray()

    def play(self, pcm: bytes) -> None:
        """Plays samples behind those that wait. Doesn't block."""
        with self._lock:
            self._waiting += pcm
            if (over := len(self._waiting) - self._limit) > 0:
                del self._waiting[:over]
                self.dropped += over / (2 * self._rate)

    def clear(self) -> None:
        """What waits isn't played: after an interrupt, for instance."""
        with self._lock:
            self._waiting.clear()

    def _called(self, data: Any, frames: int, time: Any, status: Any) -> None:
        del frames, time, status
        size = len(data)
        with self._lock:
            pcm = bytes(self._waiting[:size])
            del self._waiting[:size]
        data[:] = pcm + bytes(size - len(pcm))


class SoundInput(_Device):
    """What the microphone hears, as s16le mono samples: a context manager and async iterator.

    Args:
        sample_rate: of what it gives, 8,000 to 48,000 Hz.
        device: as for `Loudspeaker`.
        buffer_ms: milliseconds that wait to be read at most; beyond them the oldest are dropped.

    Attributes:
        dropped: seconds that were dropped.

    Raises:
        MissingDependencyError: as for `Loudspeaker`.
    """

    _what = "microphone"
    _kind = "RawInputStream"

    def __init__(
        self, sample_rate: int = 24_000, *, device: int | str | None = None, buffer_ms: int = 500
    ) -> None:
        super().__init__(sample_rate, device, buffer_ms)
        self._most = self._buffer_ms // _BLOCK_MS
        self._waiting: collections.deque[bytes] = collections.deque()
        self._arrived = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        return await super().__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await super().__aexit__(kind, error, traceback)
        self._arrived.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._waiting:
            if self._stream is None:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    def _called(self, data: Any, frames: int, time: Any, status: Any) -> None:
        del frames, time, status
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._put, bytes(data))

    def _put(self, pcm: bytes) -> None:
        self._waiting.append(pcm)
        if len(self._waiting) > self._most:
            self.dropped += len(self._waiting.popleft()) / (2 * self._rate)
        self._arrived.set()


def _sounddevice() -> Any:
    try:
        return importlib.import_module("sounddevice")
    except ImportError as error:
        raise MissingDependencyError(
            f"Microphone and loudspeaker need the `sounddevice` package: {error}.",
            install='pip install "akool-async[sound]"',
        ) from error
    except OSError as error:  # its wheel for Linux has no PortAudio
        raise MissingDependencyError(
            f"Microphone and loudspeaker need PortAudio: {error}.",
            install="apt install libportaudio2 (or your system's package of PortAudio)",
        ) from error


async def _open(sounddevice: Any, what: str, kind: Any, **options: Any) -> Any:
    """Opens and starts a stream, in a thread: a device may take its time.

    Raises:
        ConfigurationError: there is no such device, or it can't be opened.
    """

    def start() -> Any:
        stream = kind(**options)
        try:
            stream.start()
        except BaseException:
            stream.close()
            raise
        return stream

    opening = asyncio.ensure_future(asyncio.to_thread(start))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        with contextlib.suppress(sounddevice.PortAudioError, ValueError):  # not opened anyway
            (await opening).close()
        raise
    except (sounddevice.PortAudioError, ValueError) as error:
        raise ConfigurationError(
            f"The {what} can't be opened: {error}. `python -m sounddevice` lists the devices."
        ) from error
