"""Speech that the avatar is to lip-sync, on its way into a room: the contract of all ways.

A `akool_async.transport.Transport` that has a way of its own returns it by its property
`speech_audio`; `MicrophoneSpeech` is the way of every room that takes a published audio track. One
segment is open at a time. Everything is called on the event loop; no vendor's type crosses this.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass

__all__ = ["PlaybackReport", "SpeechAudio", "SpeechSegment"]


@dataclass(frozen=True, slots=True)
class PlaybackReport:
    """How a segment ended.

    Attributes:
        seconds: of it that were played.
        interrupted: it was cleared before its end.
    """

    seconds: float
    interrupted: bool


class SpeechSegment(abc.ABC):
    """One piece of speech: written, ended, and reported as played once."""

    @abc.abstractmethod
    async def write(self, pcm: bytes) -> None:
        """Takes whole s16le samples, at most 100 ms at a time. May wait to keep the pace.

        Raises:
            SendError: the room didn't take them.
            DisconnectedError: the room is gone for good.
        """

    @abc.abstractmethod
    async def end(self) -> None:
        """No more comes; errors as `write`."""

    @abc.abstractmethod
    async def clear(self) -> None:
        """What wasn't played yet isn't. It is reported all the same.

        Raises:
            SendError: the other side refused it, or didn't answer in time.
            DisconnectedError: the room is gone for good.
        """

    @abc.abstractmethod
    async def finished(self) -> PlaybackReport:
        """Waits for the report, without a limit: whoever waits has one. Safe to cancel.

        Raises:
            DisconnectedError: the room is gone for good.
        """

    @abc.abstractmethod
    def forget(self) -> None:
        """Its report isn't waited for any more. Twice is fine, and after its end."""


class SpeechAudio(abc.ABC):
    """A way for speech into the room.

    Attributes:
        most_ahead: so many seconds may be written before they are played; `None`: `write` keeps
            the pace itself.
    """

    most_ahead: float | None = None

    @abc.abstractmethod
    async def open(self, sample_rate: int, channels: int, *, timeout: float) -> SpeechSegment:
        """Begins a segment. `timeout` in seconds, for this and each step that the segment takes.

        Cancelled or failed, nothing is left open.

        Raises:
            NotSupportedError: not in this form.
            SendError: the room didn't take it.
            DisconnectedError: the room is gone for good.
        """

    async def aclose(self) -> None:  # noqa: B027 - most keep nothing
        """Frees what it keeps between segments. Twice is fine; doesn't raise."""
