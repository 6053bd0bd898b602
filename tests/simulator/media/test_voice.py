"""A voice made of tones."""

from __future__ import annotations

import numpy as np
import pytest

from akool_async.simulator.media.voice import syllables


def pitch(voice_id: str) -> float:
    """The period of the loudest repetition in a steady vowel."""
    sound = syllables("a", voice_id).to_ndarray()[1500:5000, 0].astype(float)
    likeness = np.correlate(sound, sound, "full")[len(sound) :]
    return 48_000 / (150 + int(likeness[150:600].argmax()))


@pytest.mark.parametrize(
    ("text", "count"), [("hello", 2), ("I", 1), ("hmm", 2), ("你好世界", 4), ("Ünïcode", 4)]
)
def test_a_word_lasts_as_long_as_its_syllables(text: str, count: int) -> None:
    assert syllables(text).duration == pytest.approx(0.14 * count + 0.05, abs=0.001)


def test_a_sentence_ends_with_a_longer_pause() -> None:
    frame = syllables("no. no")
    assert frame.duration == pytest.approx(0.14 + 0.25 + 0.14 + 0.05, abs=0.001)
    assert not frame.to_ndarray()[round(0.15 * 48_000) : round(0.38 * 48_000)].any()


def test_a_voice_id_decides_the_pitch() -> None:
    found = {round(pitch(voice)) for voice in ("Xb7h", "21m0", "EXAV", "pNIn")}
    assert len(found) >= 3
    assert all(85 <= hertz <= 260 for hertz in found)


def test_it_is_loud_and_not_clipped() -> None:
    loudest = np.abs(syllables("how are you").to_ndarray().astype(int)).max()
    assert 11_900 <= loudest <= 12_000


def test_nothing_to_say() -> None:
    assert syllables(" ").pcm == b""


def test_a_faster_voice_says_the_same_in_less_time() -> None:
    usual, fast = syllables("how are you"), syllables("how are you", tempo=2.0)
    assert fast.duration == pytest.approx(usual.duration / 2, abs=0.001)
    assert np.abs(fast.to_ndarray().astype(int)).max() > 11_900
