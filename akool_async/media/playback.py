"""Audio that the avatar is to speak: what a program holds of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Playback", "PlaybackResult"]

PlaybackState = Literal["waiting", "playing", "played", "cancelled", "dropped", "failed"]


@dataclass(frozen=True, slots=True)
class PlaybackResult:
    """What became of audio given to `play_audio`.

    Attributes:
        seconds: of it that the avatar played, as it reported.
        interrupted: it wasn't played to its end: cancelled, dropped, or stopped by the avatar.
    """

    seconds: float
    interrupted: bool


class Playback:
    """Audio that the avatar is to play; made by `AvatarSession.play_audio`.

    `await playback` waits for its end, as `await playback.played()` does. Whether it is waited for
    or not makes no difference; but leaving the session's block ends what wasn't played yet.
    """

    def __init__(self, cancel: Callable[[Playback], None], bytes_per_second: int) -> None:
        self._cancel = cancel
        self._bytes_per_second = bytes_per_second
        self._state: PlaybackState = "waiting"
        self._written = 0
        self._awaited = False
        self._done: asyncio.Future[PlaybackResult] = asyncio.get_running_loop().create_future()

    @property
    def state(self) -> PlaybackState:
        """How far it is: "waiting", "playing", "played", "cancelled", "dropped" or "failed"."""
        return self._state

    @property
    def seconds_written(self) -> float:
        """How much audio is on its way, or played."""
        return self._written / self._bytes_per_second

    @property
    def done(self) -> bool:
        """Whether nothing more happens to it."""
        return self._done.done()

    def __repr__(self) -> str:
        return f"<Playback {self._state}, {self.seconds_written:.2f} s written>"

    def __await__(self) -> Generator[Any, None, PlaybackResult]:
        return self.played().__await__()

    async def played(self) -> PlaybackResult:
        """Waits until it was played, or won't be.

        Raises:
            AudioTimeoutError, AudioSourceError: the iterable gave nothing in time, or cancelled
                itself. What it had given was stopped.
            InvalidParameterError: the iterable gave something that isn't such audio, or a file
                can't be read.
            PlaybackTimeoutError: the avatar didn't report the end in time.
            SendError: the room didn't take the audio; or the avatar refused to stop it.
            DisconnectedError, ConversationClosedError: the conversation is over.
            Exception: whatever the iterable raised.
        """
        self._awaited = True
        return await asyncio.shield(self._done)

    async def cancel(self) -> PlaybackResult:
        """Stops it, and waits until it is silent; returns and raises as `played`.

        What was written and not played is dropped. One that waits for its turn isn't begun.
        """
        self._cancel(self)
        return await self.played()

    # Used by the queue.

    @property
    def awaited(self) -> bool:
        """Whether a caller waits, or waited, for its end: an error needs no other report."""
        return self._awaited

    def begun(self) -> None:
        """Its turn has come."""
        self._state = "playing"

    def note_written(self, size: int) -> None:
        """So many more bytes of it are on their way."""
        self._written += size

    def end(self, state: PlaybackState, result: PlaybackResult | BaseException) -> None:
        """Nothing more happens to it; once."""
        if self._done.done():
            return
        self._state = state
        if isinstance(result, PlaybackResult):
            self._done.set_result(result)
        else:
            self._done.set_exception(result)
            self._done.exception()  # no one need look at it
