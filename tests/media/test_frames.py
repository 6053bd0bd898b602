"""Frames: their sizes, their arrays, and PyAV's frames of them."""

from __future__ import annotations

import numpy as np
import pytest

from akool_async.errors import InvalidParameterError
from akool_async.media import AudioFrame, VideoFrame


def test_audio_knows_its_samples():
    frame = AudioFrame(b"\1\0\2\0" * 480, 48_000, 2, 1.5)
    assert frame.samples_per_channel == 480
    assert frame.duration == 0.01
    assert frame.timestamp == 1.5


@pytest.mark.parametrize(
    ("pcm", "channels", "problem"),
    [
        (b"\0", 1, "1 bytes, which isn't a multiple of 2"),
        (b"\0" * 6, 2, "6 bytes, which isn't a multiple of 4"),
        (np.zeros(4, np.float32), 1, "ndarray isn't bytes"),
        (b"\0\0", 0, "allowed: 1..16"),
    ],
)
def test_audio_that_is_not_whole_samples(pcm, channels, problem):
    with pytest.raises(InvalidParameterError, match=problem):
        AudioFrame(pcm, 48_000, channels)


def test_audio_at_a_rate_out_of_range():
    with pytest.raises(InvalidParameterError, match="sample_rate: 5 is out of range"):
        AudioFrame(b"", 5)


def test_what_is_said_is_in_no_repr():
    assert "pcm" not in repr(AudioFrame(b"\7\7", 8000))
    assert "data" not in repr(VideoFrame(bytes(6), 2, 2))


def test_audio_as_an_array():
    frame = AudioFrame(np.array([1, -2, 3, -4], "<i2").tobytes(), 8000, 2)
    assert frame.to_ndarray().tolist() == [[1, -2], [3, -4]]


def test_audio_as_a_frame_of_pyav():
    samples = np.arange(441, dtype="<i2")
    frame = AudioFrame(samples.tobytes(), 44_100, 1, 2.0).to_av()
    assert (frame.sample_rate, frame.samples, frame.layout.name) == (44_100, 441, "mono")
    assert frame.pts * frame.time_base == 2
    assert frame.to_ndarray()[0].tolist() == samples.tolist()


def test_audio_of_many_channels_has_no_frame_of_pyav():
    with pytest.raises(InvalidParameterError, match="3 have no layout"):
        AudioFrame(bytes(6), 8000, 3).to_av()


@pytest.mark.parametrize(
    ("size", "width", "height", "format_"),
    [(6, 2, 2, "i420"), (3 * 5 + 2 * 2 * 3, 3, 5, "i420"), (12, 2, 2, "rgb24"), (16, 2, 2, "rgba")],
)
def test_video_knows_its_planes(size, width, height, format_):
    frame = VideoFrame(bytes(range(size)), width, height, format_)
    assert b"".join(frame.planes) == frame.data
    assert len(frame.planes) == (3 if format_ == "i420" else 1)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"data": bytes(7)}, "data: has 7 bytes, 2x2 in i420 has 6"),
        ({"data": np.zeros(6, np.uint8)}, "ndarray isn't bytes; for arrays use from_ndarray"),
        ({"width": 0}, "width: 0 is out of range"),
        ({"format": "nv12"}, "format: 'nv12' isn't allowed"),
        ({"rotation": 45}, "rotation: 45 isn't allowed"),
        ({"timestamp": float("nan")}, "timestamp"),
    ],
)
def test_video_that_can_not_be(changed, problem):
    with pytest.raises(InvalidParameterError, match=problem):
        VideoFrame(**{"data": bytes(6), "width": 2, "height": 2, **changed})


@pytest.mark.parametrize(
    ("shape", "format_"), [((3, 2), "i420"), ((4, 6, 3), "rgb24"), ((4, 6, 4), "rgba")]
)
def test_video_to_an_array_and_back(shape, format_):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    frame = VideoFrame.from_ndarray(array, format_, timestamp=1.0, rotation=90)
    assert (frame.timestamp, frame.rotation) == (1.0, 90)
    assert (frame.to_ndarray() == array).all()


@pytest.mark.parametrize(
    ("array", "format_", "problem"),
    [
        (np.zeros((4, 4, 3), np.float32), "rgb24", "'float32', give uint8"),
        (np.zeros((4, 4), np.uint8), "rgb24", r"the shape \(4, 4\), rgb24 has"),
        (np.zeros((4, 4, 3), np.uint8), "rgba", "rgba has"),
        (np.zeros((4, 4), np.uint8), "i420", "i420 has"),
        ([1, 2], "rgb24", "'list', give uint8"),
    ],
)
def test_an_array_that_is_no_picture(array, format_, problem):
    with pytest.raises(InvalidParameterError, match=problem):
        VideoFrame.from_ndarray(array, format_)


def test_i420_with_an_odd_side_is_no_rectangle():
    with pytest.raises(InvalidParameterError, match="use planes"):
        VideoFrame(bytes(3 * 2 + 2 * 2), 3, 2).to_ndarray()


@pytest.mark.parametrize("width", [64, 70])
@pytest.mark.parametrize("format_", ["i420", "rgb24", "rgba"])
def test_video_as_a_frame_of_pyav(width, format_):
    shape = {"i420": (72, width), "rgb24": (48, width, 3), "rgba": (48, width, 4)}[format_]
    array = np.random.default_rng(1).integers(0, 255, shape, dtype=np.uint8)
    frame = VideoFrame.from_ndarray(array, format_, timestamp=0.5).to_av()
    assert (frame.width, frame.height) == (width, 48)
    assert frame.pts * frame.time_base == 0.5
    assert (frame.to_ndarray() == array).all()


def test_video_with_an_odd_side_as_a_frame_of_pyav():
    frame = VideoFrame(bytes(range(3 * 5 + 2 * 2 * 3)), 3, 5).to_av()
    assert (frame.width, frame.height, frame.format.name) == (3, 5, "yuv420p")
