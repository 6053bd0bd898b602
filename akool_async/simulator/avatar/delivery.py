"""How long what the avatar says takes: a word so many seconds, or as long as its sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from akool_async.media.frames import AudioFrame
from akool_async.simulator.avatar.speech import Piece
from akool_async.simulator.clock import Clock

if TYPE_CHECKING:
    from akool_async.simulator.media.avatar_media import AvatarMedia

__all__ = ["Aloud", "Delivery", "Paced"]

#: Seconds that sound takes to a listener's ear, at most; `audio_end` waits for it.
_UNDER_WAY: Final = 0.1


class Delivery(Protocol):
    """Says one text after another."""

    async def prepare(self, text: str) -> None:
        """Gets ready to say a text; nothing is heard yet."""

    async def deliver(self, piece: Piece, share: float) -> None:
        """Says a piece of it; `share` of the whole text, 0 to 1, is said when it returns."""

    async def end(self) -> None:
        """Returns once everything was heard."""

    def stop(self) -> None:
        """Falls silent at once."""


class Paced:
    """Says nothing that can be heard; `pace` is seconds for a word, `None`: no time."""

    def __init__(self, clock: Clock, pace: float | None) -> None:
        self._clock = clock
        self._pace = pace

    async def prepare(self, text: str) -> None:
        """See `Delivery`."""
        del text

    async def deliver(self, piece: Piece, share: float) -> None:
        """See `Delivery`."""
        del share
        if self._pace:
            await self._clock.sleep(self._pace * piece.words)

    async def end(self) -> None:
        """See `Delivery`."""

    def stop(self) -> None:
        """See `Delivery`."""


class Aloud:
    """Says it with the avatar's voice and face, in the time that its sound takes.

    Args:
        media: the avatar's.
        clock: the simulator's.
        voice_id: the session's voice at that moment.
    """

    def __init__(self, media: AvatarMedia, clock: Clock, voice_id: Callable[[], str]) -> None:
        self._media = media
        self._clock = clock
        self._voice_id = voice_id
        self._sound: AudioFrame | None = None
        self._seconds = 0.0

    async def prepare(self, text: str) -> None:
        """See `Delivery`."""
        self._sound = await self._media.speech(text, self._voice_id())

    async def deliver(self, piece: Piece, share: float) -> None:
        """See `Delivery`."""
        mouth = self._media.mouth
        if self._sound is not None:
            self._seconds, self._sound = mouth.add(self._sound), None
        self._media.face.caption = piece.text.strip()
        await mouth.wait_played(left=self._seconds * (1 - share))

    async def end(self) -> None:
        """See `Delivery`."""
        await self._media.mouth.wait_played()
        self._media.face.caption = ""
        await self._clock.sleep(_UNDER_WAY)

    def stop(self) -> None:
        """See `Delivery`."""
        self._sound = None
        self._media.mouth.clear()
        self._media.face.caption = ""
