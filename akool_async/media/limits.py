"""What a reader of video does with a frame: fewer of them, and smaller ones."""

from __future__ import annotations

from typing import Any, Final

from akool_async.media.frames import AV_FORMATS, VideoFrame
from akool_async.media.packages import av

__all__ = ["FrameRateLimit", "HeightLimit"]

#: A frame may come this part of a period early: the sender's times jitter.
_EARLY: Final = 0.25


class FrameRateLimit:
    """Passes at most so many frames in a second, evenly."""

    def __init__(self, fps: float) -> None:
        self._period = 1 / fps
        self._due: float | None = None

    def __call__(self, frame: VideoFrame) -> bool:
        """Whether this frame is passed."""
        at = frame.timestamp
        if self._due is not None and at < self._due - _EARLY * self._period:
            return False
        if self._due is None or at > self._due + self._period:
            self._due = at  # the first one, or one after a pause
        self._due += self._period
        return True


class HeightLimit:
    """Makes larger pictures smaller, by PyAV; their sides are even and keep their ratio."""

    def __init__(self, max_height: int) -> None:
        """Raises `MissingDependencyError` where PyAV isn't installed."""
        self._max_height = max_height
        self._reformatter: Any = av().video.reformatter.VideoReformatter()

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """The frame, or a smaller one."""
        if frame.height <= self._max_height:
            return frame
        height = max(2, self._max_height // 2 * 2)
        width = max(2, round(frame.width * height / frame.height / 2) * 2)
        pixel_format = AV_FORMATS[frame.format]
        smaller = self._reformatter.reformat(frame.to_av(), width, height, pixel_format)
        return VideoFrame.from_av(
            smaller, frame.format, timestamp=frame.timestamp, rotation=frame.rotation
        )
