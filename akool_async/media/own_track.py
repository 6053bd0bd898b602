"""What a microphone and a camera of the program have in common: a track, published and closed."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from akool_async.errors import ConversationClosedError
from akool_async.errors.base import raised_again
from akool_async.media.contract import AudioWriter, MediaTransport, VideoWriter

__all__ = ["OwnTrack"]

#: Publishing a track, and publishing it again in another room, in seconds.
_PUBLISH_TIMEOUT: Final = 10.0

W = TypeVar("W", bound=AudioWriter | VideoWriter)


class OwnTrack(abc.ABC, Generic[W]):
    """A context manager; the track is published from entering the block to leaving it. It goes on
    through reconnects and a session that is replaced by another one.
    """

    def __init__(
        self,
        name: str,
        *,
        muted: bool,
        transport: Callable[[], MediaTransport],
        ended: Callable[[Any], None],
    ) -> None:
        """Publishes nothing yet.

        Args:
            name: for the error of using it after it was closed.
            muted: whether it begins muted.
            transport: the one to publish by; raises where it can't.
            ended: called with this object when it is closed.
        """
        self._name = name
        self._muted = muted
        self._transport = transport
        self._ended = ended
        self._writer: W | None = None
        self._before: W | None = None
        self._opening = asyncio.Lock()
        self._opened = False
        self._error: BaseException | None = None

    @abc.abstractmethod
    async def _publish_by(self, transport: MediaTransport, timeout: float) -> W:
        """Publishes the track; returns what writes to it."""

    async def open(self) -> Self:
        """Publishes the track.

        Raises:
            NotSupportedError: the transport, or the token, doesn't let us publish it.
            SendError: the room didn't take the track.
            DisconnectedError, ConversationClosedError: the conversation is over.
        """
        self._check_open()
        async with self._opening:
            if not self._opened:
                await self._publish()
                self._opened = True
        return self

    def withdraw(self) -> None:
        """Its transport is given up: nothing is sent until `publish` is done."""
        if self._writer is not None:
            self._before, self._writer = self._writer, None

    async def publish(self) -> None:
        """Again, by the transport of this moment; what waited in the one before is lost."""
        async with self._opening:
            if self._opened:
                self.withdraw()
                await self._publish()

    async def _publish(self) -> None:
        before, self._before = self._before, None
        if before is not None:
            await before.close()
        writer = await self._publish_by(self._transport(), _PUBLISH_TIMEOUT)
        if self._error is not None:
            await writer.close()
            return
        self._writer = writer
        self._apply_mute()

    async def aclose(self) -> None:
        """Drops what wasn't sent and unpublishes the track. Twice is fine."""
        if self._error is None:
            self.end(ConversationClosedError(f"the {self._name} was closed"))
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

    @property
    def muted(self) -> bool:
        """Whether nothing new reaches the avatar, for whatever reason."""
        return self._muted

    def mute(self) -> None:
        """Nothing new reaches the avatar until `unmute`; what is written meanwhile is lost."""
        self._muted = True
        self._apply_mute()

    def unmute(self) -> None:
        """What is written reaches the avatar."""
        self._muted = False
        self._apply_mute()

    def avatar_speaks(self, speaks: bool) -> None:
        """The avatar began to speak, or stopped; called by the conversation."""

    def _apply_mute(self) -> None:
        if self._writer is not None:
            self._writer.mute(self.muted)

    def _check_open(self) -> None:
        if self._error is not None:
            raise raised_again(self._error)
