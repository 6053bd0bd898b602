"""A voice made by code: a tone through the formants of vowels, in the rhythm of the text."""

from __future__ import annotations

import re
import unicodedata
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from akool_async.media.frames import AudioFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["syllables"]

_RATE: Final = 48_000
#: Seconds: a syllable, the pause after a word and after a sentence.
_SYLLABLE: Final = 0.14
_WORD_PAUSE: Final = 0.05
_SENTENCE_PAUSE: Final = 0.25
#: Hz: the first three formants of each vowel.
_FORMANTS: Final = {
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
    "y": (270, 2290, 3010),
}
_LOUD: Final = 12_000
#: Samples of a wave's period; the highest harmonics keep a hundred of them.
_PERIOD: Final = 4096
#: Letters from here on are syllables by themselves, as Chinese and Japanese have them.
_EAST: Final = 0x2E80


def syllables(text: str, voice_id: str = "", *, tempo: float = 1.0) -> AudioFrame:
    """The text as syllables, 48 kHz mono; the voice's id decides its pitch.

    `tempo` is how many times as fast as usual it speaks, in the same pitch.
    """
    pitch = 95.0 + zlib.crc32(voice_id.encode("utf-8", "replace")) % 146
    parts: list[NDArray[Any]] = []
    for word in text.split():
        for vowel in _vowels(word):
            parts.append(_syllable(vowel, pitch * (1 + 0.12 * np.sin(len(parts))), tempo))
        pause = _SENTENCE_PAUSE if word[-1] in ".?!。？！" else _WORD_PAUSE
        parts.append(np.zeros(round(pause / tempo * _RATE)))
    sound = np.concatenate(parts) if parts else np.zeros(0)
    loudest = float(np.abs(sound).max(initial=1e-9))
    return AudioFrame((sound * (_LOUD / loudest)).astype("<i2").tobytes(), _RATE)


def _vowels(word: str) -> list[str]:
    """One vowel for each syllable."""
    plain = unicodedata.normalize("NFKD", word.lower())
    found = [group[0] for group in re.findall("[aeiouy]+", plain)]
    if found:
        return found
    count = sum(ord(letter) >= _EAST for letter in word) or 1 + len(word) // 3
    return [sorted(_FORMANTS)[(ord(word[0]) + place) % len(_FORMANTS)] for place in range(count)]


def _syllable(vowel: str, pitch: float, tempo: float) -> NDArray[Any]:
    length = _SYLLABLE / tempo
    time = np.arange(round(length * _RATE)) / _RATE
    shape = np.minimum(1.0, np.minimum(time / 0.03, (length - time) / 0.05) * tempo)
    harmonics = pitch * np.arange(1, int(4000 / pitch))
    strength = 0.002 + sum(
        gain * np.exp(-(((harmonics - formant) / (80 + 0.06 * formant)) ** 2))
        for formant, gain in zip(_FORMANTS[vowel], (1.0, 0.5, 0.25), strict=True)
    ) / np.sqrt(harmonics / pitch)
    # One period of the sum of their sines, which is then read at the pitch.
    spectrum = np.zeros(_PERIOD // 2 + 1, complex)
    spectrum[1 : len(strength) + 1] = strength / 2j
    period = np.fft.irfft(spectrum, _PERIOD) * _PERIOD
    sound: NDArray[Any] = shape * period[(time * pitch % 1.0 * _PERIOD).astype(int)]
    return sound
