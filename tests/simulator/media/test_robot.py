"""A voice that carries its text."""

from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akool_async.errors import InvalidParameterError
from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.robot import robot_speech, robot_text

LONG = "Grüße, how is the weather in 東京 today? 😀 " * 4


def changed(frame: AudioFrame, samples: np.ndarray) -> AudioFrame:
    return AudioFrame(samples.astype("<i2").tobytes(), frame.sample_rate)


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_understood(text: str) -> None:
    said = text.encode("utf-8", "replace").decode()
    assert robot_text(robot_speech(text, 16_000)) == said


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 44_100, 48_000])
def test_softer_with_noise_and_surrounded_by_silence(rate: int) -> None:
    frame = robot_speech(LONG, rate)
    noise = np.random.default_rng(1).integers(-300, 300, len(frame.pcm) // 2 + 2 * rate)
    noise[rate // 3 : rate // 3 + len(frame.pcm) // 2] += frame.to_ndarray()[:, 0] // 3
    assert robot_text(changed(frame, noise)) == LONG


def test_texts_said_one_after_another_are_joined() -> None:
    sounds = [robot_speech(text).pcm for text in ("one ", "two")]
    assert robot_text(AudioFrame(b"".join(sounds), 48_000)) == "one two"


def test_both_channels_are_heard() -> None:
    frame = robot_speech("stereo")
    both = np.repeat(frame.to_ndarray(), 2, axis=1)
    assert robot_text(AudioFrame(both.tobytes(), 48_000, 2)) == "stereo"


def test_it_survives_opus_at_the_rates_of_speech() -> None:
    frame = robot_speech(LONG)
    encoder = av.CodecContext.create("libopus", "w")
    encoder.format, encoder.layout, encoder.sample_rate = "s16", "mono", 48_000
    encoder.bit_rate, encoder.options = 16_000, {"application": "voip"}
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "mono"
    heard = []
    for start in range(0, len(frame.pcm) - 1919, 1920):
        sound = AudioFrame(frame.pcm[start : start + 1920], 48_000).to_av()
        for packet in encoder.encode(sound):
            heard += [out.to_ndarray() for out in decoder.decode(packet)]
    samples = np.concatenate(heard, axis=1)[0]
    if samples.dtype != np.int16:
        samples = samples * 32767
    assert robot_text(changed(frame, samples)) == LONG


@pytest.mark.parametrize("milliseconds", [-6, -4, 4, 6, 8])
def test_it_is_understood_though_a_jitter_buffer_stretches_it(milliseconds: int) -> None:
    frame = robot_speech(LONG)
    samples = frame.to_ndarray()[:, 0]
    by = abs(milliseconds) * 48
    parts = []
    for start in range(0, len(samples), 24_000):
        part = samples[start : start + 24_000]
        # Whole periods, as a jitter buffer takes them.
        parts.append(part[by:] if milliseconds < 0 else np.concatenate([part, part[-by:]]))
    assert robot_text(changed(frame, np.concatenate(parts))) == LONG


@pytest.mark.parametrize("part", [slice(0, -30_000), slice(30_000, None)])
def test_a_text_that_was_cut_is_not_understood(part: slice) -> None:
    frame = robot_speech(LONG)
    assert robot_text(changed(frame, frame.to_ndarray()[part, 0])) is None


def test_a_text_with_a_hole_is_not_understood() -> None:
    frame = robot_speech(LONG)
    samples = frame.to_ndarray()[:, 0].copy()
    samples[100_000:240_000] = 0
    assert robot_text(changed(frame, samples)) is None


@pytest.mark.parametrize("samples", [np.zeros(48_000), np.zeros(10), np.zeros(0)])
def test_silence_is_no_text(samples: np.ndarray) -> None:
    assert robot_text(changed(AudioFrame(b"", 48_000), samples)) is None


def test_noise_is_no_text() -> None:
    noise = np.random.default_rng(2).integers(-20_000, 20_000, 96_000)
    assert robot_text(changed(AudioFrame(b"", 48_000), noise)) is None


def test_limits() -> None:
    with pytest.raises(InvalidParameterError, match="text: has 4097 bytes"):
        robot_speech("x" * 4097)
    with pytest.raises(InvalidParameterError, match="sample_rate: 4000 Hz"):
        robot_speech("x", 4_000)
