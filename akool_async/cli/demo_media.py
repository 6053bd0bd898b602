"""What `akool demo` shows of the avatar's picture and sound: when they came, and a film of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Final

from akool_async.conversation import AvatarSession
from akool_async.errors import InvalidParameterError, NotSupportedError
from akool_async.events import FirstAudio, FirstVideo
from akool_async.media.recording.formats import check_target, require_av

if TYPE_CHECKING:
    from akool_async.media.frames import AudioFrame
    from akool_async.media.readers import FrameReader

__all__ = ["TEMPO", "DemoMedia", "brisk_voice"]

#: How many times as fast as usual the avatar speaks: a demonstration is short.
TEMPO: Final = 2.0
#: Seconds that are recorded after the conversation: its last sounds are still on their way.
_TAIL: Final = 0.3


def brisk_voice(text: str) -> AudioFrame:
    """A voice for `Media(voice=)`."""
    from akool_async.simulator.media.voice import syllables

    return syllables(text, tempo=TEMPO)


class DemoMedia:
    """The picture and the sound of one demonstration.

    Args:
        wanted: whether the avatar has any.
        record: the file of a film; `None`: none is kept.

    Raises:
        InvalidParameterError: a film of an avatar without either, or a file that can't be written.
        MissingDependencyError: what writes that kind of file isn't installed.
    """

    def __init__(self, *, wanted: bool, record: str | None) -> None:
        self._wanted = wanted
        self._record = record
        self._first: dict[str, float] = {}
        self._published = False
        self._film = ""
        if record is None:
            return
        if not wanted:
            raise InvalidParameterError("--record", "needs picture and sound: leave out --no-media")
        _, kind = check_target(record)
        require_av(kind)

    @contextlib.asynccontextmanager
    async def running(self, avatar: AvatarSession) -> AsyncIterator[None]:
        """While it lasts, the first picture and the first sound are noted, and the film is kept.

        Raises:
            NotSupportedError: there is to be a film of a room that carries text alone.
            RecordingError: the film ended early.
        """
        if not self._wanted:
            yield
            return
        async with self._watching(avatar):
            if self._record is None:
                yield
                return
            recording = avatar.record(self._record)
            try:
                async with recording:
                    yield
                    await asyncio.sleep(_TAIL)
            finally:
                # Whatever ended it, the file is whole.
                stats = recording.stats
                if stats.seconds:
                    size = f"{stats.size:,} bytes"
                    self._film = f"{self._record}, {stats.seconds:.1f} s, {size}"

    @contextlib.asynccontextmanager
    async def _watching(self, avatar: AvatarSession) -> AsyncIterator[None]:
        avatar.on(FirstVideo)(lambda event: self._first.setdefault("picture", event.seconds))
        avatar.on(FirstAudio)(lambda event: self._first.setdefault("sound", event.seconds))
        try:
            readers: list[FrameReader[Any]] = [avatar.video_frames(), avatar.audio_frames()]
        except NotSupportedError:
            yield
            return
        tasks = [asyncio.create_task(_read_one(reader), name="akool-demo") for reader in readers]
        try:
            yield
        finally:
            self._published = bool(avatar.tracks)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def rows(self) -> Iterator[tuple[str, str]]:
        """For the closing block."""
        if self._published:
            for name in ("picture", "sound"):
                at = self._first.get(name)
                yield name, "none came" if at is None else f"first after {at:.2f} s in the room"
        if self._film:
            yield "film", self._film


async def _read_one(reader: FrameReader[Any]) -> None:
    """The room sends while there is a reader: the first frame is enough."""
    async with reader:
        await anext(reader, None)
