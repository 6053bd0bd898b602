"""The conformance suite's avatar with sound and pictures in the simulator's own LiveKit room."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from livekit_peer import SimulatedPeer

from akool_async.media.contract import MediaKind
from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.media.mouth import RATE
from akool_async.simulator.media.settings import Media
from akool_async.simulator.media.threads import MediaThreads
from akool_async.simulator.rooms.livekit.hub import Resident
from akool_async.simulator.rooms.livekit.media_member import MediaMember
from akool_async.testing.media_peer import MediaPeer
from akool_async.testing.media_samples import tone

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SimulatedMediaPeer"]

_TONE_SECONDS = 5


class Grey:
    """A face of one grey."""

    def __init__(self, media: Media, luma: int) -> None:
        self._picture = np.full((media.height * 3 // 2, media.width), 128, np.uint8)
        self._picture[: media.height] = luma

    def draw(self, loudness: float, at: float) -> NDArray[Any]:
        del loudness, at
        return self._picture


class SimulatedMediaPeer(SimulatedPeer, MediaPeer):
    """The avatar of a `LiveKitRoom`, which publishes nothing at first, and what it hears."""

    grey = 100
    stranger_grey = 200

    async def __aenter__(self) -> Self:
        self.settings = Media(width=self.width, height=self.height)
        # As `RoomDirectory`: who joins gets media.
        self.media = self.settings  # type: ignore[assignment]
        self._threads = MediaThreads()
        self._made: list[AvatarMedia] = []
        self._singing: list[asyncio.Task[None]] = []
        self._heard: deque[tuple[float, float]] = deque(maxlen=200)
        await super().__aenter__()
        self.sim.media = self.sim.avatar.media = self._new_media(self.grey)
        self.sim.media.hearing.hear = self._hear  # type: ignore[method-assign]
        return self

    async def __aexit__(self, *exception: object) -> None:
        for task in self._singing:
            task.cancel()
        if self._singing:
            await asyncio.wait(self._singing)
        await super().__aexit__(*exception)
        for media in self._made:
            await media.close()
        await self._threads.close()

    def _new_media(self, grey: int) -> AvatarMedia:
        media = AvatarMedia(self.settings, self._threads, failed=_raise)
        media.feed.face = Grey(self.settings, grey)  # type: ignore[assignment]
        self._made.append(media)
        self._singing.append(asyncio.create_task(_sing(media)))
        return media

    async def publish(self, kind: MediaKind) -> None:  # type: ignore[override]
        self.sim.change_tracks([*self.sim.avatar.tracks, self.sim.new_track(kind)])

    async def unpublish(self, kind: MediaKind) -> None:
        await self.sim.fault("unpublish", kind=kind)

    async def replace(self, kind: MediaKind) -> None:
        await self.sim.fault("republish", kind=kind)

    async def mute(self, kind: MediaKind, muted: bool) -> None:
        await self.sim.fault("mute", kind=kind, on=muted)

    async def stranger_publishes(self, kind: MediaKind) -> None:
        stranger = Resident("stranger", self.sim.hub.name)
        stranger.media = self._new_media(self.stranger_grey)
        stranger.tracks = [self.sim.new_track(kind)]
        self.sim.hub.enter(stranger)

    async def avatar_leaves(self) -> None:
        await self.sim.fault("avatar_leaves")

    async def avatar_returns(self) -> None:
        await self.sim.fault("avatar_returns")

    @property
    def subscribed(self) -> set[MediaKind]:
        sent = {sid for m in self.sim.members() if isinstance(m, MediaMember) for sid in m.sent}
        kinds: tuple[MediaKind, ...] = ("audio", "video")
        return {kinds[track.type] for track in self.sim.avatar.tracks if track.sid in sent}

    def _hear(self, identity: str, samples: NDArray[Any]) -> None:
        del identity
        level = float(np.sqrt((samples.astype(float) ** 2).mean())) / 32_768
        self._heard.append((time.monotonic(), level))

    def loudness(self) -> float:
        since = time.monotonic() - 0.1
        return max((level for at, level in self._heard if at >= since), default=0.0)


async def _sing(media: AvatarMedia) -> None:
    """A tone without an end."""
    sound = AudioFrame(tone(1000, RATE, RATE, 1) * _TONE_SECONDS, RATE)
    while True:
        media.mouth.add(sound)
        await media.mouth.wait_played(left=1.0)


def _raise(error: Exception) -> None:
    raise error
