"""A voice that carries its text, and the ear that reads it: speech for tests, without a model.

UTF-8 as tones: each half of a byte is 25 ms of one of sixteen tones between 500 and 2000 Hz, about
20 bytes a second, which Opus carries at the rates it uses for speech. A text is cut into frames; a
frame is a call of 60 ms at 2400 Hz, its length, its number (with a mark on the last), up to 32
bytes, and 16 bits of a CRC: a text is understood whole or not at all.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from akool_async.errors import InvalidParameterError
from akool_async.media.frames import AudioFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["robot_speech", "robot_text"]

_TONES: Final = tuple(500.0 + 100.0 * n for n in range(16))
_CALL: Final = 2400.0
#: Seconds: of the call, of a symbol, of the window that listens to one, after a frame.
_CALL_TIME: Final = 0.06
_SYMBOL: Final = 0.025
_WINDOW: Final = 0.02
_PAUSE: Final = 0.06
_MOST_BYTES: Final = 32
_MOST_FRAMES: Final = 128
_LAST: Final = 0x80
#: Length and number before the text's bytes, the check after them.
_EXTRA: Final = 4
#: Milliseconds by which one symbol may come early or late.
_DRIFT: Final = 8
#: Where the first symbol may lie, in seconds from where the call's end was found.
_SHIFTS: Final = tuple(n / 1000 for n in (0, -3, 3, -6, 6))
_AMPLITUDE: Final = 9_000


def robot_speech(text: str, sample_rate: int = 48_000) -> AudioFrame:
    """The sound that carries a text, mono; `robot_text` reads it.

    Raises:
        InvalidParameterError: the text is longer than 4096 bytes of UTF-8, or the rate is below
            8000 Hz.
    """
    data = text.encode("utf-8", "replace")
    if len(data) > _MOST_BYTES * _MOST_FRAMES:
        raise InvalidParameterError("text", f"has {len(data)} bytes, a robot says up to 4096")
    if sample_rate < 8_000:
        raise InvalidParameterError("sample_rate", f"{sample_rate} Hz is below 8000")
    sound = np.concatenate([_sound(frame, sample_rate) for frame in _frames(data)])
    return AudioFrame(sound.astype("<i2").tobytes(), sample_rate)


def robot_text(frame: AudioFrame) -> str | None:
    """The texts that were said in a piece of sound, joined.

    `None`: no robot spoke, or not all of it can be read.
    """
    sound = frame.to_ndarray().astype(np.float32).mean(axis=1) / 32768
    read = list(_Reader(sound, frame.sample_rate).frames())
    if not read:
        return None
    data, expected = b"", 0
    for found in read:
        if found is None or found[0] & ~_LAST != expected:
            return None
        data += found[1]
        expected = 0 if found[0] & _LAST else expected + 1
    if expected:  # the last frame is missing
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _frames(data: bytes) -> Iterator[bytes]:
    starts = range(0, max(len(data), 1), _MOST_BYTES)
    for number, start in enumerate(starts):
        part = data[start : start + _MOST_BYTES]
        last = _LAST if number == len(starts) - 1 else 0
        whole = bytes([len(part), number | last]) + part
        yield whole + _check(whole)


def _check(data: bytes) -> bytes:
    return (zlib.crc32(data) & 0xFFFF).to_bytes(2, "big")


def _sound(frame: bytes, rate: int) -> NDArray[Any]:
    symbols = [(_TONES[half], _SYMBOL) for byte in frame for half in (byte >> 4, byte & 15)]
    parts, phase, at = [], 0.0, 0.0
    for tone, seconds in [(_CALL, _CALL_TIME), *symbols]:
        # One clock for all: borders are right where a symbol is no whole number of samples.
        count = round((at + seconds) * rate) - round(at * rate)
        at += seconds
        place = np.arange(count)
        edge = np.minimum(1.0, np.minimum(place, count - 1 - place) / (0.002 * rate))
        parts.append(np.sin(phase + 2 * np.pi * tone * place / rate) * edge)
        phase += 2 * np.pi * tone * count / rate
    return np.concatenate([*parts, np.zeros(round(_PAUSE * rate))]) * _AMPLITUDE


class _Spectrum:
    """The power of each tone and of the call in windows of sound.

    By FFT: the tones fall on its bins, and a matrix product would start BLAS's own threads.
    """

    def __init__(self, rate: int) -> None:
        self.size = round(_WINDOW * rate)
        self._shape = np.hanning(self.size).astype(np.float32)
        self._bins = [round(tone * self.size / rate) for tone in (*_TONES, _CALL)]
        #: A pure tone's power, for each unit of energy.
        self.pure = float(self._shape.sum() ** 2 / (2 * self.size))

    def power(self, windows: NDArray[Any]) -> NDArray[Any]:
        """Of windows in the last axis; the call comes last."""
        found: NDArray[Any] = np.abs(np.fft.rfft(windows * self._shape)[..., self._bins]) ** 2
        return found


class _Reader:
    def __init__(self, sound: NDArray[Any], rate: int) -> None:
        self._sound = sound
        self._rate = rate
        self._spectrum = _Spectrum(rate)
        self._size = self._spectrum.size

    def frames(self) -> Iterator[tuple[int, bytes] | None]:
        """Number and bytes of each frame; `None`: one that can't be read."""
        if len(self._sound) < self._size:
            return
        hop = round(0.005 * self._rate)
        windows = np.lib.stride_tricks.sliding_window_view(self._sound, self._size)[::hop]
        power = self._spectrum.power(windows)
        energy = (windows**2).sum(axis=1)
        called = (energy > 0.05) & (power[:, -1] > 0.6 * energy * self._spectrum.pure)
        after = 0.0
        for place in np.flatnonzero(called):
            if place * hop < after:
                continue
            end = self._call_end(int(place) * hop)
            found, after = self._frame(end)
            yield found

    def _power(self, at: int) -> NDArray[Any]:
        window = self._sound[at : at + self._size]
        if at < 0 or len(window) < self._size:
            return np.zeros(len(_TONES) + 1)
        return self._spectrum.power(window)

    def _call_end(self, at: int) -> float:
        """Where the first symbol begins: a window half over the border hears both alike."""
        step = max(1, self._rate // 1000)
        while (power := self._power(at))[-1] > power[:-1].max():
            at += step
        return at + self._size / 2

    def _frame(self, start: float) -> tuple[tuple[int, bytes] | None, float]:
        """The frame whose first symbol begins there, and where to listen on."""
        for shift in _SHIFTS:
            symbols = self._symbols(start + shift * self._rate)
            length, at = next(symbols)
            if length > _MOST_BYTES:
                continue
            data = bytes([length])
            while len(data) < length + _EXTRA:
                byte, at = next(symbols)
                data += bytes([byte])
            if data[-2:] == _check(data[:-2]):
                return (data[1], data[2:-2]), at
        return None, start

    def _symbols(self, at: float) -> Iterator[tuple[int, float]]:
        """Byte after byte, and where each ends.

        Jitter buffers stretch and shorten sound by some milliseconds to keep pace, so each symbol
        is looked for around the place where it should be: where its tone is purest.
        """
        drifts = np.arange(-_DRIFT, _DRIFT + 1) * self._rate // 1000
        # The nearest one of several that are as good.
        doubt = np.abs(drifts) / self._rate * 10
        while True:
            byte = 0
            for _ in (0, 1):
                begin = round(at + (_SYMBOL - _WINDOW) / 2 * self._rate)
                places = np.clip(begin + drifts, 0, len(self._sound) - self._size)
                windows = self._sound[places[:, None] + np.arange(self._size)]
                power = self._spectrum.power(windows)[:, :-1]
                purity = power.max(axis=1) / ((windows**2).sum(axis=1) + 1e-9)
                best = int((purity / self._spectrum.pure - doubt).argmax())
                byte = byte << 4 | int(power[best].argmax())
                at += _SYMBOL * self._rate + drifts[best]
            yield byte, at
