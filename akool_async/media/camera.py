"""A camera of the program's own: what the service's vision sees."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from akool_async.errors import ConversationClosedError, InvalidParameterError
from akool_async.media.contract import MediaTransport, VideoWriter
from akool_async.media.frames import VideoFrame
from akool_async.media.microphone import PUBLISH_TIMEOUT, raised_again

__all__ = ["Camera"]


class Camera:
    """Pictures for the service's vision. A context manager, as `Microphone`.

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
        self.width = width
        self.height = height
        self.written = 0
        self.dropped = 0
        self._transport = transport
        self._ended = ended
        self._writer: VideoWriter | None = None
        self._before: VideoWriter | None = None
        self._muted = False
        self._opening = asyncio.Lock()
        self._opened = False
        self._error: BaseException | None = None

    async def open(self) -> Self:
        """Publishes the track; errors as `Microphone.open`."""
        self._check_open()
        async with self._opening:
            if not self._opened:
                await self._publish()
                self._opened = True
        return self

    def withdraw(self) -> None:
        """Its transport is given up: what is written until `publish` is done is dropped."""
        if self._writer is not None:
            self._before, self._writer = self._writer, None

    async def publish(self) -> None:
        """Again, by the transport of this moment."""
        async with self._opening:
            if self._opened:
                self.withdraw()
                await self._publish()

    async def _publish(self) -> None:
        before, self._before = self._before, None
        if before is not None:
            await before.close()
        writer = await self._transport().show(self.width, self.height, timeout=PUBLISH_TIMEOUT)
        if self._error is not None:
            await writer.close()
            return
        self._writer = writer
        if self._muted:
            writer.mute(True)

    async def aclose(self) -> None:
        """Unpublishes the track. Twice is fine."""
        if self._error is None:
            self.end(ConversationClosedError("the camera was closed"))
            self._ended(self)
        writers = (self._writer, self._before)
        self._writer = self._before = None
        for writer in writers:
            if writer is not None:
                await writer.close()

    def end(self, error: BaseException) -> None:
        """Nothing can be written any more: `write` raises `error`."""
        if self._error is None:
            self._error = error

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

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

    def mute(self) -> None:
        """Nothing new is seen until `unmute`."""
        self._mute(True)

    def unmute(self) -> None:
        """What is written is seen."""
        self._mute(False)

    def avatar_speaks(self, speaks: bool) -> None:
        """Of no meaning to a camera."""

    def _mute(self, muted: bool) -> None:
        self._muted = muted
        if self._writer is not None:
            self._writer.mute(muted)

    def _check_open(self) -> None:
        if self._error is not None:
            raise raised_again(self._error)
