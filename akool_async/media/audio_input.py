"""What users give as audio, read as whole s16le samples: bytes, arrays, files, async iterables."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import wave
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from akool_async.concurrency import run_to_completion
from akool_async.errors import AudioSourceError, AudioTimeoutError, InvalidParameterError
from akool_async.media.frames import AudioFrame, check_pcm
from akool_async.media.packages import av, numpy
from akool_async.validation import whole

__all__ = ["AudioSource", "check_audio", "read_audio"]

#: bytes of s16le samples, a numpy array, a file's path, or an async iterable of any of the first
#: two and of `AudioFrame`.
AudioSource: TypeAlias = Any
T = TypeVar("T")

#: Milliseconds of a piece that `read_audio` gives at most.
_PIECE_MS: Final = 100
#: Bytes that are read from a file at once.
_BLOCK: Final = 65_536
_END: Final = object()


def check_audio(source: AudioSource, sample_rate: object, channels: object) -> None:
    """Checks what can be checked before anything is read.

    Raises:
        InvalidParameterError: no audio, a rate outside 8,000 to 48,000 Hz, not 1 or 2 channels,
            broken samples, or no such file.
    """
    rate = whole("sample_rate", sample_rate, 8_000, 48_000, unit="Hz")
    count = whole("channels", channels, 1, 2)
    if isinstance(source, AsyncIterable):
        return
    if isinstance(source, str | os.PathLike):
        if not Path(source).is_file():
            raise InvalidParameterError("source", "is a path where no file is")
        return
    if not _samples(source, rate, count):
        raise InvalidParameterError("source", "holds no samples")


async def read_audio(
    source: AudioSource,
    sample_rate: int,
    channels: int,
    *,
    timeout: float,
    first: float | None = None,
) -> AsyncGenerator[bytes, None]:
    """Its samples in pieces of at most 100 ms, as they come; closes what it reads, however it ends.

    A WAV file needs nothing installed if it has this rate and these channels; other files are
    decoded by PyAV.

    Args:
        source: as `check_audio` has checked it.
        sample_rate: of what comes out, in Hz. Bytes and arrays must have it.
        channels: the same.
        timeout: the longest wait for the next piece of an async iterable, or of a file, in seconds.
        first: the same for the first piece; `timeout` by default.

    Raises:
        AudioTimeoutError: the source gave nothing for `timeout` seconds.
        AudioSourceError: the source cancelled itself.
        InvalidParameterError: it gave something that isn't such samples, or the file can't be read.
        MissingDependencyError: the file needs PyAV.
        Exception: whatever an async iterable raises.
    """
    size = sample_rate * _PIECE_MS // 1000 * 2 * channels
    if isinstance(source, str | os.PathLike):
        blocks: AsyncIterator[Any] = _file(Path(source), sample_rate, channels)
    elif isinstance(source, AsyncIterable):
        blocks = aiter(source)
    else:
        blocks = _one(source)
    rest = b""
    limit = timeout if first is None else first
    try:
        while (given := await _next(blocks, limit)) is not _END:
            limit = timeout
            # An iterable of bytes may cut them anywhere, also inside a sample.
            data = rest + _samples(given, sample_rate, channels, partial=True)
            usable = len(data) - len(data) % (2 * channels)
            for at in range(0, usable, size):
                yield data[at : min(at + size, usable)]
            rest = data[usable:]
        if rest:
            raise InvalidParameterError("source", f"ended inside a sample: {len(rest)} bytes left")
    finally:
        close = getattr(blocks, "aclose", None)
        if close is not None:
            await close()


async def _next(blocks: AsyncIterator[Any], timeout: float) -> Any:
    task = asyncio.current_task()
    cancelled = task.cancelling() if task is not None else 0
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            return await anext(blocks, _END)
    except TimeoutError:
        if not limit.expired():
            raise
        raise AudioTimeoutError(
            f"the audio being played got no further for {timeout:g} s "
            "(ConversationOptions.audio_timeout); what was written of it was cut off"
        ) from None
    except asyncio.CancelledError as error:
        if task is not None and task.cancelling() > cancelled:
            raise
        raise AudioSourceError("the audio's source ended by a CancelledError of its own") from error


async def _one(samples: Any) -> AsyncIterator[Any]:
    yield samples


def _samples(given: Any, sample_rate: int, channels: int, *, partial: bool = False) -> bytes:
    """As s16le. `partial`: bytes needn't be whole samples."""
    if given is None:
        return b""
    if isinstance(given, AudioFrame):
        if (given.sample_rate, given.channels) != (sample_rate, channels):
            raise InvalidParameterError(
                "source",
                f"gave {given.sample_rate} Hz with {given.channels} channel(s), "
                f"{sample_rate} Hz with {channels} was said",
            )
        return given.pcm
    if isinstance(given, bytes | bytearray | memoryview):
        data = bytes(given)
        if not partial:
            check_pcm("source", data, channels)
        return data
    if hasattr(given, "dtype") and hasattr(given, "tobytes"):
        return _array(given, channels)
    raise InvalidParameterError(
        "source",
        f"{type(given).__name__} is neither bytes, a numpy array, a file's path, "
        "nor an async iterable of bytes or arrays",
    )


def _array(array: Any, channels: int) -> bytes:
    """int16, or float between -1 and 1; of the shape (samples,) or (samples, channels)."""
    shape = tuple(array.shape)
    if shape[1:] not in ((), (channels,)) or (channels > 1 and len(shape) == 1):
        wanted = f"(samples, {channels})" if channels > 1 else "(samples,) or (samples, 1)"
        raise InvalidParameterError("source", f"has the shape {shape}, give {wanted}")
    kind = str(array.dtype)
    if kind.startswith("float"):
        np = numpy()
        if not np.isfinite(array).all():
            raise InvalidParameterError("source", "has samples that are no number")
        array = np.rint(np.clip(array, -1.0, 1.0) * 32767.0)
    elif kind != "int16":
        raise InvalidParameterError("source", f"is of {kind}, give int16, or float in -1..1")
    data: bytes = array.astype("<i2").tobytes()
    return data


async def _file(path: Path, sample_rate: int, channels: int) -> AsyncGenerator[bytes, None]:
    """Reads on a thread, a block at a time; the file is closed on the same way."""
    read, close = await _on_thread(lambda: _open_file(path, sample_rate, channels))
    try:
        while block := await _on_thread(read):
            yield block
    finally:
        await _on_thread(close)


async def _on_thread(work: Callable[[], T]) -> T:
    # Cancelled, it waits for the thread, which must not read a file that is being closed.
    return await run_to_completion(asyncio.to_thread(work), timeout=None, name="akool: audio file")


def _open_file(
    path: Path, sample_rate: int, channels: int
) -> tuple[Callable[[], bytes], Callable[[], object]]:
    with contextlib.suppress(wave.Error, EOFError):
        file = wave.open(str(path), "rb")  # noqa: SIM115 - closed by the caller
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (
            sample_rate,
            channels,
            2,
        ):
            return (lambda: file.readframes(_BLOCK // (2 * channels))), file.close
        file.close()
    library = av()
    try:
        container = library.open(str(path))
    except library.FFmpegError as error:
        raise InvalidParameterError("source", f"is a file that can't be read: {error}") from error
    if not container.streams.audio:
        container.close()
        raise InvalidParameterError("source", "is a file without sound")
    layout = "mono" if channels == 1 else "stereo"
    resampler = library.AudioResampler(format="s16", layout=layout, rate=sample_rate)
    blocks = _decoded(container, resampler, 2 * channels)

    def read() -> bytes:
        try:
            return next(blocks, b"")
        except library.FFmpegError as error:
            raise InvalidParameterError("source", f"is a broken file: {error}") from error

    return read, container.close


def _decoded(container: Any, resampler: Any, sample_size: int) -> Iterator[bytes]:
    for frame in itertools.chain(container.decode(audio=0), (None,)):
        for ready in resampler.resample(frame):
            if ready.samples:
                yield bytes(ready.planes[0])[: ready.samples * sample_size]
