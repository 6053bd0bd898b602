"""Pictures fitted into a film's size."""

from __future__ import annotations

import pytest
from av_samples import picture

from akool_async.media import VideoFrame
from akool_async.media.recording.fitting import Fitter


def luma(frame, x: int, y: int) -> int:
    plane = frame.planes[0]
    return bytes(plane)[y * plane.line_size + x]


def test_a_picture_of_the_film_s_size_is_taken_as_it_is() -> None:
    fitted = Fitter(64, 48).fit(picture(0.0))
    assert (fitted.width, fitted.height, fitted.format.name) == (64, 48, "yuv420p")
    assert luma(fitted, 63, 47) == 235


@pytest.mark.parametrize(("width", "height"), [(32, 24), (128, 96), (63, 47), (1, 1)])
def test_other_sizes_are_scaled(width: int, height: int) -> None:
    fitted = Fitter(64, 48).fit(picture(0.0, width=width, height=height))
    assert (fitted.width, fitted.height) == (64, 48)
    assert luma(fitted, 32, 24) == pytest.approx(235, abs=4)


def test_another_shape_gets_black_bars() -> None:
    fitted = Fitter(64, 48).fit(picture(0.0, width=48, height=48))
    assert luma(fitted, 1, 24) < 20
    assert luma(fitted, 32, 24) == pytest.approx(235, abs=4)
    assert luma(fitted, 62, 24) < 20


@pytest.mark.parametrize(
    ("rotation", "corner"), [(0, (0, 0)), (90, (63, 0)), (180, (63, 63)), (270, (0, 63))]
)
def test_rotation_is_applied(rotation: int, corner: tuple[int, int]) -> None:
    pixels = bytearray([16]) * (64 * 64) + bytes([128]) * (2 * 32 * 32)
    for y in range(16):
        for x in range(16):
            pixels[y * 64 + x] = 235
    fitted = Fitter(64, 64).fit(VideoFrame(bytes(pixels), 64, 64, "i420", 0.0, rotation))
    bright = {at: luma(fitted, *at) > 128 for at in ((0, 0), (63, 0), (63, 63), (0, 63))}
    assert bright == {at: at == corner for at in bright}


@pytest.mark.parametrize(("pixel_format", "depth"), [("rgb24", 3), ("rgba", 4)])
def test_packed_formats(pixel_format, depth: int) -> None:
    frame = VideoFrame(b"\xff" * (64 * 48 * depth), 64, 48, pixel_format)
    assert luma(Fitter(64, 48).fit(frame), 10, 10) == pytest.approx(235, abs=3)


def test_sizes_may_change_from_picture_to_picture() -> None:
    fitter = Fitter(64, 48)
    for width, height in ((64, 48), (32, 24), (64, 48), (96, 72), (32, 24)):
        fitted = fitter.fit(picture(0.0, width=width, height=height))
        assert (fitted.width, fitted.height) == (64, 48)
        assert luma(fitted, 32, 24) == pytest.approx(235, abs=4)


def test_black() -> None:
    assert luma(Fitter(64, 48).black(), 5, 5) == 16
