"""Audio as users give it: bytes, arrays, files, iterables; whole samples come out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from wav_files import write_wav

from akool_async.errors import AudioSourceError, AudioTimeoutError, InvalidParameterError
from akool_async.media.audio_input import check_audio, read_audio
from akool_async.media.frames import AudioFrame

RATE = 16_000


async def read(source: Any, rate: int = RATE, channels: int = 1, **limits: float) -> bytes:
    limits.setdefault("timeout", 5.0)
    check_audio(source, rate, channels)
    pieces = [piece async for piece in read_audio(source, rate, channels, **limits)]
    assert all(0 < len(piece) <= rate // 10 * 2 * channels for piece in pieces)
    assert all(len(piece) % (2 * channels) == 0 for piece in pieces)
    return b"".join(pieces)


def ramp(count: int) -> bytes:
    return np.arange(count, dtype="<i2").tobytes()


async def each(*pieces: Any) -> AsyncIterator[Any]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_bytes(kind: Any) -> None:
    assert await read(kind(ramp(5_000))) == ramp(5_000)


async def test_arrays() -> None:
    samples = np.frombuffer(ramp(3_000), "<i2")
    assert await read(samples) == ramp(3_000)
    assert await read(samples.reshape(-1, 1)) == ramp(3_000)
    assert await read(samples.reshape(-1, 2), channels=2) == ramp(3_000)
    floats = np.array([0.0, 1.0, -1.0, 2.0, 0.5], "f4")
    assert np.frombuffer(await read(floats), "<i2").tolist() == [0, 32767, -32767, 32767, 16384]


async def test_an_iterable_may_cut_samples_anywhere() -> None:
    data = ramp(400)
    pieces = [data[at : at + 7] for at in range(0, len(data), 7)]
    assert await read(each(None, *pieces, b"")) == data


async def test_an_iterable_of_frames_and_arrays() -> None:
    frame = AudioFrame(ramp(100), RATE)
    assert await read(each(frame, np.frombuffer(ramp(50), "<i2"))) == ramp(100) + ramp(50)


async def test_a_wav_file(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", RATE, 1, ramp(20_000))
    assert await read(path) == ramp(20_000)
    assert await read(str(path)) == ramp(20_000)


async def test_a_file_of_another_rate_is_converted(tmp_path: Path) -> None:
    tone = (8_000 * np.sin(np.arange(48_000) * 2 * np.pi * 500 / 48_000)).astype("<i2")
    stereo = np.repeat(tone, 2).astype("<i2").tobytes()
    path = write_wav(tmp_path / "a.wav", 48_000, 2, stereo)
    samples = np.frombuffer(await read(path), "<i2")
    assert len(samples) == pytest.approx(RATE, abs=RATE // 100)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * RATE / len(samples) == pytest.approx(500, abs=2)


async def test_files_that_hold_no_sound(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("no sound", encoding="utf-8")
    with pytest.raises(InvalidParameterError, match="can't be read"):
        await read(text)
    with pytest.raises(InvalidParameterError, match="where no file is"):
        check_audio(tmp_path / "missing.wav", RATE, 1)


@pytest.mark.parametrize(
    ("source", "rate", "channels", "problem"),
    [
        (b"", RATE, 1, "no samples"),
        (b"123", RATE, 1, "multiple of 2"),
        (b"1234", RATE, 3, "channels"),
        (b"1234", 4_000, 1, "sample_rate"),
        (b"1234", 96_000, 1, "sample_rate"),
        (1.5, RATE, 1, "float is neither"),
        (np.zeros(4, "i4"), RATE, 1, "int32"),
        (np.zeros((4, 2), "i2"), RATE, 1, "shape"),
        (np.zeros(4, "i2"), RATE, 2, "shape"),
        (np.array([float("nan")]), RATE, 1, "no number"),
        (AudioFrame(ramp(4), 8_000), RATE, 1, "8000 Hz"),
    ],
)
def test_what_is_no_audio(source: Any, rate: int, channels: int, problem: str) -> None:
    with pytest.raises(InvalidParameterError, match=problem):
        check_audio(source, rate, channels)


async def test_an_iterable_that_gives_something_else() -> None:
    with pytest.raises(InvalidParameterError, match="str is neither"):
        await read(each(ramp(10), "text"))
    with pytest.raises(InvalidParameterError, match="inside a sample"):
        await read(each(b"123"))


async def test_an_iterable_that_stops_giving_is_closed() -> None:
    closed = False

    async def stuck() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            yield ramp(10)
            await asyncio.Event().wait()
        finally:
            closed = True

    with pytest.raises(AudioTimeoutError, match="audio_timeout"):
        await read(stuck(), timeout=0.05)
    assert closed


async def test_the_first_piece_has_a_limit_of_its_own() -> None:
    async def slow() -> AsyncIterator[bytes]:
        await asyncio.sleep(0.1)
        yield ramp(10)

    assert await read(slow(), first=5.0, timeout=0.01) == ramp(10)


async def test_an_iterable_that_cancels_itself() -> None:
    async def odd() -> AsyncIterator[bytes]:
        yield ramp(10)
        raise asyncio.CancelledError

    with pytest.raises(AudioSourceError):
        await read(odd())


async def test_leaving_early_closes_the_source() -> None:
    closed = False

    async def voice() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            while True:
                yield ramp(10)
        finally:
            closed = True

    pieces = read_audio(voice(), RATE, 1, timeout=1.0)
    assert await anext(pieces) == ramp(10)
    await pieces.aclose()
    assert closed
