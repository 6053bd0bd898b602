"""All of one avatar that can be seen and heard, and what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.encoder import Broadcast
from akool_async.simulator.media.face import Face
from akool_async.simulator.media.feed import Feed
from akool_async.simulator.media.hearing import Hearing
from akool_async.simulator.media.robot import robot_speech, robot_text
from akool_async.simulator.media.settings import Media
from akool_async.simulator.media.sight import Sight
from akool_async.simulator.media.threads import MediaThreads
from akool_async.simulator.media.voice import syllables

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AvatarMedia"]


class AvatarMedia:
    """One avatar's face, mouth, ears and eyes; whoever makes one closes it.

    Attributes:
        settings: what it was made with.
        face: what it looks like.
        mouth: plays sound, with lip movement: `add`, `wait_played`, `clear`.
        feed: its raw sound and pictures.
        broadcast: the same, encoded.
        hearing: what it hears.
        sight: what it sees.
    """

    def __init__(
        self, settings: Media, threads: MediaThreads, *, failed: Callable[[Exception], None]
    ) -> None:
        self.settings = settings
        self._threads = threads
        self.face = Face(settings.width, settings.height)
        self.feed = Feed(self.face, fps=settings.fps, threads=threads)
        self.mouth = self.feed.mouth
        self.broadcast = Broadcast(
            self.feed, width=settings.width, height=settings.height, fps=settings.fps
        )
        self.hearing = Hearing(self._understand, end_of_turn=settings.end_of_turn, failed=failed)
        self.sight = Sight()

    @property
    def listens(self) -> bool:
        """Whether it has a use for microphones: to make texts of them, or to speak them."""
        return self.settings.listen is not None or self.hearing.diverted is not None

    def hear(self, identity: str, samples: NDArray[Any]) -> None:
        """Takes int16 mono at 48 kHz of a participant's microphone; nothing unless it listens."""
        if self.listens:
            self.hearing.hear(identity, samples)

    async def speech(self, text: str, voice_id: str = "") -> AudioFrame:
        """The sound of a text.

        Raises:
            TypeError: the user's voice gave something other than an `AudioFrame`.
        """
        voice = self.settings.voice
        if callable(voice):
            made: Any = await self._threads.call(voice, text)
        elif voice == "robot":
            made = await asyncio.wrap_future(self._threads.submit(robot_speech, text))
        else:
            made = await asyncio.wrap_future(self._threads.submit(syllables, text, voice_id))
        if not isinstance(made, AudioFrame):
            raise TypeError(f"voice= gave {type(made).__name__}, not an AudioFrame")
        return made

    async def _understand(self, turn: AudioFrame) -> str | None:
        listen = self.settings.listen
        function = listen if callable(listen) else robot_text
        text = await self._threads.call(function, turn)
        if text is not None and not isinstance(text, str):
            raise TypeError(f"listen= gave {type(text).__name__}, not text")
        return text

    async def close(self) -> None:
        """Falls silent and stops listening; twice is fine."""
        await self.hearing.close()
        await self.feed.close()
