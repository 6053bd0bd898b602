"""One frame of audio or of video, without any vendor's type in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from akool_async.errors import InvalidParameterError
from akool_async.media.packages import av, numpy
from akool_async.validation import choice, number, quoted, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]
else:
    Array = Any  # annotations can be resolved without numpy

__all__ = ["AV_FORMATS", "AudioFrame", "PixelFormat", "Pixels", "VideoFrame", "check_pcm"]

PixelFormat = Literal["i420", "rgb24", "rgba"]
#: What holds pixels.
Pixels = bytes | bytearray | memoryview

#: FFmpeg's names of the formats.
AV_FORMATS: Final = {"i420": "yuv420p", "rgb24": "rgb24", "rgba": "rgba"}
_VIDEO_CLOCK: Final = 90_000
_MAX_SIDE: Final = 16_384


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A piece of sound.

    Attributes:
        pcm: s16le samples, channels interleaved. In no repr.
        sample_rate: in Hz.
        channels: how many.
        timestamp: of its first sample, in seconds since the session was joined.
        samples_per_channel: how many samples it has for each channel.

    Raises:
        InvalidParameterError: `pcm` isn't whole samples of all channels, or a value out of range.
    """

    pcm: bytes = field(repr=False)
    sample_rate: int
    channels: int = 1
    timestamp: float = 0.0
    samples_per_channel: int = field(init=False)

    def __post_init__(self) -> None:
        size = check_pcm("pcm", self.pcm, self.channels)
        if not 1_000 <= self.sample_rate <= 384_000:
            whole("sample_rate", self.sample_rate, 1_000, 384_000, unit="Hz")
        object.__setattr__(self, "samples_per_channel", size // (2 * self.channels))

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples_per_channel / self.sample_rate

    def to_ndarray(self) -> Array:
        """Its samples as int16, shape (samples, channels), read-only.

        Raises:
            MissingDependencyError: numpy isn't installed.
        """
        samples: Array = numpy().frombuffer(self.pcm, "<i2")
        return samples.reshape(-1, self.channels)

    def to_av(self) -> Any:
        """An `av.AudioFrame`, packed s16, its pts in samples.

        Raises:
            MissingDependencyError: PyAV isn't installed.
            InvalidParameterError: more than two channels.
        """
        layout = {1: "mono", 2: "stereo"}.get(self.channels)
        if layout is None:
            raise InvalidParameterError("channels", f"{self.channels} have no layout, use 1 or 2")
        frame = av().AudioFrame("s16", layout, self.samples_per_channel)
        plane = frame.planes[0]
        # FFmpeg aligns planes: what is behind the samples stays zero.
        plane.update(self.pcm + bytes(plane.buffer_size - len(self.pcm)))
        frame.sample_rate = self.sample_rate
        frame.time_base = Fraction(1, self.sample_rate)
        frame.pts = round(self.timestamp * self.sample_rate)
        return frame


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A picture.

    Attributes:
        data: the pixels, rows without padding: packed, or for i420 the planes Y, U and V one after
            the other. In no repr.
        width: in pixels.
        height: in pixels.
        format: "i420" (the cheapest), "rgb24" or "rgba".
        timestamp: in seconds since the session was joined.
        rotation: degrees by which it has to be turned clockwise for a viewer: 0, 90, 180, 270.

    Raises:
        InvalidParameterError: `data` has another size than width, height and format make, or a
            value out of range.
    """

    data: Pixels = field(repr=False)
    width: int
    height: int
    format: PixelFormat = "i420"
    timestamp: float = 0.0
    rotation: int = 0

    def __post_init__(self) -> None:
        choice("format", self.format, get_args(PixelFormat))
        whole("width", self.width, 1, _MAX_SIDE, unit="pixels")
        whole("height", self.height, 1, _MAX_SIDE, unit="pixels")
        choice("rotation", self.rotation, (0, 90, 180, 270))
        number("timestamp", self.timestamp, -1e9, 1e9)
        if not isinstance(self.data, bytes | bytearray | memoryview):
            raise InvalidParameterError(
                "data", f"{type(self.data).__name__} isn't bytes; for arrays use from_ndarray"
            )
        size, wanted = (
            memoryview(self.data).nbytes,
            sum(w * h for w, h in self._plane_sizes()),
        )
        if size != wanted:
            raise InvalidParameterError(
                "data",
                f"has {size} bytes, {self.width}x{self.height} in {self.format} has {wanted}",
            )

    def _plane_sizes(self) -> list[tuple[int, int]]:
        return _plane_sizes(self.width, self.height, self.format)

    @property
    def planes(self) -> tuple[memoryview, ...]:
        """Y, U and V of i420; one of all pixels for the packed formats."""
        view = memoryview(self.data).cast("B")
        planes, at = [], 0
        for row, rows in self._plane_sizes():
            planes.append(view[at : at + row * rows])
            at += row * rows
        return tuple(planes)

    def to_ndarray(self) -> Array:
        """Its pixels as uint8 without a copy: (height, width, 3 or 4), for i420 (height * 3 / 2,
        width) as OpenCV and PyAV have it.

        Raises:
            MissingDependencyError: numpy isn't installed.
            InvalidParameterError: i420 with an odd width or height, which isn't a rectangle; use
                `planes`.
        """
        pixels: Array = numpy().frombuffer(self.data, "u1")
        if self.format != "i420":
            return pixels.reshape(self.height, self.width, -1)
        if self.width % 2 or self.height % 2:
            raise InvalidParameterError(
                "format", f"i420 of {self.width}x{self.height} isn't a rectangle, use planes"
            )
        return pixels.reshape(self.height * 3 // 2, self.width)

    @classmethod
    def from_ndarray(
        cls,
        array: Array,
        format: PixelFormat = "rgb24",  # noqa: A002 - the field's name
        *,
        timestamp: float = 0.0,
        rotation: int = 0,
    ) -> VideoFrame:
        """A frame of an array in a shape that `to_ndarray` returns; copied.

        Raises:
            InvalidParameterError: it isn't of uint8, or has another shape.
        """
        choice("format", format, get_args(PixelFormat))
        given: Any = array
        kind = str(getattr(given, "dtype", type(given).__name__))
        if kind != "uint8":
            raise InvalidParameterError("array", f"is of {quoted(kind)}, give uint8")
        shape: tuple[int, ...] = given.shape
        if format == "i420":
            if len(shape) != 2 or shape[0] % 3 or shape[1] % 2:
                raise InvalidParameterError(
                    "array", f"has the shape {shape}, i420 has (height * 3 / 2, width), both even"
                )
            height, width = shape[0] * 2 // 3, shape[1]
        else:
            depth = 3 if format == "rgb24" else 4
            if len(shape) != 3 or shape[2] != depth:
                raise InvalidParameterError(
                    "array", f"has the shape {shape}, {format} has (height, width, {depth})"
                )
            height, width = shape[:2]
        return cls(array.tobytes(), width, height, format, timestamp, rotation)

    @classmethod
    def from_av(
        cls,
        frame: Any,
        format: PixelFormat = "i420",  # noqa: A002 - the field's name
        *,
        timestamp: float | None = None,
        rotation: int = 0,
    ) -> VideoFrame:
        """A frame of an `av.VideoFrame`, converted where it has another format; copied.

        Its timestamp is the frame's own time, where none is given.
        """
        choice("format", format, get_args(PixelFormat))
        if frame.format.name != AV_FORMATS[format]:
            frame = frame.reformat(format=AV_FORMATS[format])
        if timestamp is None:
            timestamp = float(frame.time or 0.0)
        sizes = _plane_sizes(frame.width, frame.height, format)
        data = b"".join(
            _packed(memoryview(plane), row, rows, plane.line_size)
            for plane, (row, rows) in zip(frame.planes, sizes, strict=True)
        )
        return cls(data, frame.width, frame.height, format, timestamp, rotation)

    def to_png(self) -> bytes:
        """A PNG file's bytes; its rotation is applied.

        Raises:
            MissingDependencyError: numpy isn't installed.
        """
        from akool_async.media.png import png

        return png(self)

    def to_av(self) -> Any:
        """An `av.VideoFrame` with its pts in 1/90,000 s. Its rotation isn't applied.

        Raises:
            MissingDependencyError: PyAV isn't installed.
        """
        frame = av().VideoFrame(self.width, self.height, AV_FORMATS[self.format])
        for plane, pixels, (row, rows) in zip(
            frame.planes,
            self.planes,
            self._plane_sizes(),
            strict=True,
        ):
            plane.update(_padded(pixels, row, rows, plane.line_size, plane.buffer_size))
        frame.time_base = Fraction(1, _VIDEO_CLOCK)
        frame.pts = round(self.timestamp * _VIDEO_CLOCK)
        return frame


def check_pcm(field: str, pcm: object, channels: int) -> int:
    """The size of s16le samples; they must be whole ones of all channels.

    Raises:
        InvalidParameterError: they aren't, or `pcm` isn't bytes.
    """
    whole("channels", channels, 1, 16)
    if not isinstance(pcm, bytes):
        raise InvalidParameterError(
            field, f"{type(pcm).__name__} isn't bytes of s16le samples (for arrays: play())"
        )
    if len(pcm) % (2 * channels):
        raise InvalidParameterError(
            field,
            f"has {len(pcm)} bytes, which isn't a multiple of {2 * channels}: "
            f"a sample has 2 bytes for each of {channels} channel(s)",
        )
    return len(pcm)


def _plane_sizes(width: int, height: int, pixels: PixelFormat) -> list[tuple[int, int]]:
    """Bytes of a row, and rows, of each plane."""
    if pixels == "i420":
        half = ((width + 1) // 2, (height + 1) // 2)
        return [(width, height), half, half]
    return [(width * (3 if pixels == "rgb24" else 4), height)]


def _packed(plane: memoryview, row: int, rows: int, line: int) -> Pixels:
    """A plane without what FFmpeg put behind each row."""
    if line == row:
        return plane[: row * rows]
    return b"".join(plane[y * line : y * line + row] for y in range(rows))


def _padded(pixels: memoryview, row: int, rows: int, line: int, size: int) -> Pixels:
    """A plane in the form that FFmpeg has it, where each row has `line` bytes."""
    if line == row and size == row * rows:
        return pixels
    padded = bytearray(size)
    for y in range(rows):
        padded[y * line : y * line + row] = pixels[y * row : (y + 1) * row]
    return padded
