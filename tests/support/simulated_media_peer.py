"""The conformance suite's avatar with sound and pictures in the simulator's own rooms."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Self

from livekit_peer import SimulatedPeer
from loopback_peer import LoopbackPeer, loopback_room
from toned_avatar import TonedAvatars

from akool_async.media.contract import MediaKind
from akool_async.simulator.rooms.livekit.hub import Resident
from akool_async.simulator.rooms.livekit.media_member import MediaMember
from akool_async.testing.media_peer import MediaPeer
from akool_async.transport import JoinTarget

__all__ = ["LoopbackMediaPeer", "SimulatedMediaPeer", "loopback_media_room"]


class SimulatedMediaPeer(SimulatedPeer, MediaPeer):
    """The avatar of a `LiveKitRoom`, which publishes nothing at first, and what it hears."""

    grey = 100
    stranger_grey = 200

    async def __aenter__(self) -> Self:
        self._avatars = TonedAvatars(self.width, self.height)
        self.media = self._avatars.settings
        await super().__aenter__()
        self.sim.media = self.sim.avatar.media = self._avatars.make(self.grey)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await super().__aexit__(*exception)
        await self._avatars.close()

    # One track, as a `MediaPeer`; a `SimulatedPeer` takes no kind.
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
        # It calls itself as the avatar is called, and its track as the avatar's.
        name = self.sim.avatar.grants.identity
        stranger.grants = replace(stranger.grants, name=name)
        stranger.media = self._avatars.make(self.stranger_grey)
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

    def loudness(self) -> float:
        return self._avatars.loudness()

    def luma(self) -> float | None:
        return self._avatars.luma()


class LoopbackMediaPeer(MediaPeer):
    """The avatar of a relay's room."""

    def __init__(self, far: LoopbackPeer, avatars: TonedAvatars) -> None:
        self.far = far
        self._avatars = avatars

    @property
    def target(self) -> JoinTarget:
        return self.far.target

    async def publish(self, kind: MediaKind) -> None:
        await self.far.room.fault("republish", kind=kind)

    async def unpublish(self, kind: MediaKind) -> None:
        await self.far.room.fault("unpublish", kind=kind)

    async def replace(self, kind: MediaKind) -> None:
        await self.publish(kind)

    async def mute(self, kind: MediaKind, muted: bool) -> None:
        await self.far.room.fault("mute", kind=kind, on=muted)

    async def avatar_leaves(self) -> None:
        await self.far.room.fault("avatar_leaves")

    async def avatar_returns(self) -> None:
        await self.far.room.fault("avatar_returns")

    async def drop(self) -> None:
        await self.far.drop()

    def loudness(self) -> float:
        return self._avatars.loudness()

    def luma(self) -> float | None:
        return self._avatars.luma()


@contextlib.asynccontextmanager
async def loopback_media_room(kind: str) -> AsyncIterator[LoopbackMediaPeer]:
    """A relay's room of that kind, with media on."""
    avatars = TonedAvatars(LoopbackMediaPeer.width, LoopbackMediaPeer.height)
    try:
        media = avatars.make(LoopbackMediaPeer.grey)
        async with loopback_room(kind, media=media) as far:
            yield LoopbackMediaPeer(far, avatars)
    finally:
        await avatars.close()
