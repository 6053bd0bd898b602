"""Pictures as PNG files; read back by PyAV."""

from __future__ import annotations

from dataclasses import replace

import av
import numpy as np
import pytest

from akool_async.media import VideoFrame
from akool_async.media.png import png


def read(data: bytes, pixel_format: str = "rgb24") -> np.ndarray:
    decoder = av.CodecContext.create("png", "r")
    [frame] = decoder.decode(av.Packet(data))
    return frame.to_ndarray(format=pixel_format)


@pytest.mark.parametrize(("pixel_format", "depth"), [("rgb24", 3), ("rgba", 4)])
@pytest.mark.parametrize("size", [(64, 48), (63, 47), (1, 1)])
def test_packed_pixels_are_kept(pixel_format, depth: int, size: tuple[int, int]) -> None:
    width, height = size
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, depth), "u1")
    frame = VideoFrame.from_ndarray(pixels, pixel_format)
    assert (read(png(frame), pixel_format) == pixels).all()


@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
def test_i420_becomes_colours(size: tuple[int, int]) -> None:
    width, height = size
    for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)):
        solid = np.full((height, width, 3), colour, "u1")
        source = av.VideoFrame.from_ndarray(solid, "rgb24").reformat(format="yuv420p")
        planes = [
            np.frombuffer(plane, "u1").reshape(-1, plane.line_size)[:rows, :row].tobytes()
            for plane, (row, rows) in zip(
                source.planes,
                [(width, height), *[((width + 1) // 2, (height + 1) // 2)] * 2],
                strict=True,
            )
        ]
        shown = read(png(VideoFrame(b"".join(planes), width, height)))
        assert shown.shape == (height, width, 3)
        assert np.abs(shown.astype(int) - solid).max() <= 4


@pytest.mark.parametrize(
    ("rotation", "corner"), [(0, (0, 0)), (90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))]
)
def test_rotation_is_applied(rotation: int, corner: tuple[int, int]) -> None:
    pixels = np.zeros((4, 6, 3), "u1")
    pixels[0, 0] = 255
    shown = read(png(replace(VideoFrame.from_ndarray(pixels), rotation=rotation)))
    assert shown.shape[:2] == ((4, 6) if rotation % 180 == 0 else (6, 4))
    assert shown[corner].min() == 255
    assert shown.sum() == 3 * 255
