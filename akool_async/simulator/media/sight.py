"""What an avatar sees in the cameras of a room."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from akool_async.media.frames import VideoFrame

__all__ = ["SeenVideo", "Sight"]


@dataclass(frozen=True, slots=True)
class SeenVideo:
    """What the avatar has seen of one participant.

    Attributes:
        pictures: how many came so far.
        last: the newest one; `None`: none came. Its timestamp is in seconds since the first one.
    """

    pictures: int = 0
    last: VideoFrame | None = None


class Sight:
    """Keeps the newest picture of each participant that shows any, and counts them."""

    def __init__(self) -> None:
        self._seen: dict[str, SeenVideo] = {}
        self._first: dict[str, float] = {}

    def see(self, identity: str, picture: VideoFrame) -> None:
        """Takes a picture of a participant's video."""
        now = time.monotonic()
        at = now - self._first.setdefault(identity, now)
        count = self._seen.get(identity, SeenVideo()).pictures + 1
        self._seen[identity] = SeenVideo(count, replace(picture, timestamp=at))

    def seen(self, identity: str | None = None) -> SeenVideo:
        """What was seen of a participant; `None`: of the one that was seen first.

        Raises:
            KeyError: nothing was seen of that participant.
        """
        if identity is None:
            return next(iter(self._seen.values()), SeenVideo())
        if identity not in self._seen:
            raise KeyError(f"nothing was seen of {identity!r}")
        return self._seen[identity]
