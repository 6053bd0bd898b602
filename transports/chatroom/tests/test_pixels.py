"""A decoded picture's pixels."""

from __future__ import annotations

import pytest
from akool_chatroom.pixels import pixels

from akool_async.media import PixelFormat, VideoFrame


@pytest.mark.parametrize("size", [(64, 48), (63, 47), (1, 1), (640, 360)])
@pytest.mark.parametrize(("pixel_format", "depth"), [("i420", 0), ("rgb24", 3), ("rgba", 4)])
def test_they_are_what_went_in(
    size: tuple[int, int], pixel_format: PixelFormat, depth: int
) -> None:
    width, height = size
    count = width * height * depth
    if pixel_format == "i420":
        count = width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
    data = bytes(i % 251 for i in range(count))
    frame = VideoFrame(data, width, height, pixel_format)
    assert pixels(frame.to_av(), pixel_format) == data
