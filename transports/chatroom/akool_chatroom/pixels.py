"""A decoded picture's pixels, without FFmpeg's padding."""

from __future__ import annotations

from typing import Any

from akool_async.media import PixelFormat

__all__ = ["pixels"]


def pixels(frame: Any, pixel_format: PixelFormat) -> bytes:
    """The bytes of an `av.VideoFrame` that is in this format already."""
    width, height = frame.width, frame.height
    if pixel_format == "i420":
        half = ((width + 1) // 2, (height + 1) // 2)
        sizes = [(width, height), half, half]
    else:
        sizes = [(width * (3 if pixel_format == "rgb24" else 4), height)]
    return b"".join(_rows(plane, *size) for plane, size in zip(frame.planes, sizes, strict=True))


def _rows(plane: Any, row: int, rows: int) -> bytes:
    data, line = memoryview(plane), plane.line_size
    if line == row:
        return bytes(data[: row * rows])
    return b"".join(data[at : at + row] for at in range(0, line * rows, line))
