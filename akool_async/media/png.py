"""A picture as a PNG file's bytes, by the standard library and numpy."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

from akool_async.media.packages import numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from akool_async.media.frames import VideoFrame

__all__ = ["png"]

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_RGB: Final = 2
_RGBA: Final = 6


def png(frame: VideoFrame) -> bytes:
    """See `VideoFrame.to_png`."""
    np = numpy()
    pixels: NDArray[Any] = _rgb(frame) if frame.format == "i420" else frame.to_ndarray()
    # Counted counterclockwise by numpy.
    pixels = np.rot90(pixels, -frame.rotation // 90)
    height, width, depth = pixels.shape
    # A byte before each row says how it is filtered: not at all.
    rows = np.zeros((height, 1 + width * depth), "u1")
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, _RGB if depth == 3 else _RGBA, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _rgb(frame: VideoFrame) -> NDArray[Any]:
    """I420 in the limited range of BT.601, as WebRTC has it."""
    np = numpy()
    width, height = frame.width, frame.height
    half = ((height + 1) // 2, (width + 1) // 2)
    luma, *chroma = (np.frombuffer(plane, "u1").astype("f4") for plane in frame.planes)
    y = (luma.reshape(height, width) - 16) * (255 / 219)
    u, v = (
        (plane.reshape(half) - 128).repeat(2, 0).repeat(2, 1)[:height, :width] for plane in chroma
    )
    rgb = np.stack((y + 1.596 * v, y - 0.392 * u - 0.813 * v, y + 2.017 * u), axis=-1)
    pixels: NDArray[Any] = (rgb + 0.5).clip(0, 255).astype("u1")
    return pixels
