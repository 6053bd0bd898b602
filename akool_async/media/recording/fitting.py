"""Pictures of any size, format and rotation, fitted into the one size that a film has."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from akool_async.media.frames import VideoFrame

__all__ = ["Fitter"]

_AV_FORMATS: Final = {"i420": "yuv420p", "rgb24": "rgb24", "rgba": "rgba"}
#: Filters that turn a picture clockwise.
_TURNS: Final = {
    0: (),
    90: (("transpose", "clock"),),
    180: (("hflip", ""), ("vflip", "")),
    270: (("transpose", "cclock"),),
}


class Fitter:
    """Makes pictures of one size, in FFmpeg's yuv420p; black bars fill what a picture leaves.

    Args:
        width: of the film, in pixels.
        height: the same.
    """

    def __init__(self, width: int, height: int) -> None:
        self._width = width
        self._height = height
        self._graph: Any = None
        self._graph_is_for: tuple[int, int, str, int] | None = None

    def fit(self, frame: VideoFrame) -> Any:
        """The picture as an `av.VideoFrame`."""
        if (frame.width, frame.height, frame.format, frame.rotation) == (
            self._width,
            self._height,
            "i420",
            0,
        ):
            return frame.to_av()
        kind = (frame.width, frame.height, frame.format, frame.rotation)
        if self._graph_is_for != kind:
            self._graph, self._graph_is_for = self._new_graph(frame), kind
        self._graph.push(frame.to_av())
        return self._graph.pull()

    def black(self) -> Any:
        """A black picture."""
        import av

        frame = av.VideoFrame(self._width, self._height, "yuv420p")
        for plane, value in zip(frame.planes, (16, 128, 128), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        return frame

    def _new_graph(self, frame: VideoFrame) -> Any:
        from av import VideoFormat
        from av.filter import Graph

        width, height = self._width, self._height
        filters = (
            *_TURNS[frame.rotation],
            ("scale", f"{width}:{height}:force_original_aspect_ratio=decrease"),
            ("format", "yuv420p"),
            ("pad", f"{width}:{height}:-1:-1:black"),
            ("setsar", "1"),
        )
        graph = Graph()
        nodes = [
            graph.add_buffer(
                width=frame.width,
                height=frame.height,
                format=VideoFormat(_AV_FORMATS[frame.format]),
                time_base=Fraction(1, 90_000),
            )
        ]
        nodes += [graph.add(name, args) for name, args in filters]
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes).configure()
        return graph
