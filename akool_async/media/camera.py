"""A camera of the program's own: what the service's vision sees."""

from __future__ import annotations

from collections.abc import Callable

from akool_async.errors import InvalidParameterError
from akool_async.media.contract import MediaTransport, VideoWriter
from akool_async.media.frames import VideoFrame
from akool_async.media.own_track import OwnTrack

__all__ = ["Camera"]


class Camera(OwnTrack[VideoWriter]):
    """Pictures for the service's vision. A context manager, as `Microphone`. While the track is
    published again after the session was replaced, what is written is dropped.

    Attributes:
        width, height: of what is written, in pixels.
        written: pictures that were given to the room.
        dropped: pictures that were written while the track was being published again.
    """

    def __init__(
        self,
        width: int,
        height: int,
        *,
        transport: Callable[[], MediaTransport],
        ended: Callable[[Camera], None],
    ) -> None:
        """Made by `AvatarSession.camera`."""
        super().__init__("camera", muted=False, transport=transport, ended=ended)
        self.width = width
        self.height = height
        self.written = 0
        self.dropped = 0

    async def _publish_by(self, transport: MediaTransport, timeout: float) -> VideoWriter:
        return await transport.show(self.width, self.height, timeout=timeout)

    async def write(self, frame: VideoFrame) -> None:
        """Shows a picture from now on; its timestamp isn't used. Call it at the rate of the video.

        Raises:
            InvalidParameterError: no `VideoFrame`, or of another size than the camera's.
            NotSupportedError, SendError: as `open`, which it does where that wasn't done.
            DisconnectedError, ConversationClosedError: the conversation is over, or the camera was
                closed.
        """
        if not isinstance(frame, VideoFrame):
            raise InvalidParameterError(
                "frame", f"{type(frame).__name__} isn't a VideoFrame; see VideoFrame.from_ndarray"
            )
        if (frame.width, frame.height) != (self.width, self.height):
            raise InvalidParameterError(
                "frame",
                f"is {frame.width}x{frame.height}, the camera is {self.width}x{self.height}; "
                "open one of that size, or scale the picture",
            )
        if not self._opened:
            await self.open()
        self._check_open()
        if self._writer is None:
            self.dropped += 1
        else:
            self._writer.write(frame)
            self.written += 1
