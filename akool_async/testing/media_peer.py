"""The avatar's end of a room with audio and video, for the conformance suite of media."""

from __future__ import annotations

import abc

import pytest

from akool_async.media.contract import MediaKind
from akool_async.transport import JoinTarget

__all__ = ["MediaPeer"]


class MediaPeer(abc.ABC):
    """An open room whose avatar publishes nothing yet.

    Its sound is a steady tone and its pictures are of one grey, so that tests can recognise them.
    What isn't overridden has its tests skipped.
    """

    #: The size of the avatar's pictures.
    width: int = 320
    height: int = 180

    @property
    @abc.abstractmethod
    def target(self) -> JoinTarget:
        """What the transport joins with."""

    @abc.abstractmethod
    async def publish(self, kind: MediaKind) -> None:
        """The avatar begins to publish: a tone of at least a tenth of full scale, or pictures whose
        luma is `grey`, at least ten in a second.
        """

    @abc.abstractmethod
    async def unpublish(self, kind: MediaKind) -> None:
        """And ends it."""

    async def replace(self, kind: MediaKind) -> None:
        """In place of its track it publishes another one; for a moment there may be both."""
        await self.unpublish(kind)
        await self.publish(kind)

    async def change_codec(self) -> None:
        """In place of its video it publishes one of another codec."""
        pytest.skip("this room has one codec")

    #: Luma of the avatar's pictures, 16 to 235.
    grey: int = 100

    async def mute(self, kind: MediaKind, muted: bool) -> None:
        """The avatar mutes its track, which goes on to be published."""
        del kind, muted
        pytest.skip("this room can't mute")

    async def stranger_publishes(self, kind: MediaKind) -> None:
        """A participant that isn't the avatar publishes: pictures of another luma than `grey`."""
        del kind
        pytest.skip("this room has no strangers")

    async def avatar_leaves(self) -> None:
        """The avatar leaves the room."""
        pytest.skip("this room's avatar can't leave")

    async def avatar_returns(self) -> None:
        """It is back, and publishes what it published before."""
        pytest.skip("this room's avatar can't leave")

    async def drop(self) -> None:
        """The connection of the transport breaks without notice."""
        pytest.skip("this room can't drop the connection")

    @property
    def subscribed(self) -> set[MediaKind] | None:
        """What the transport receives of the avatar, as the room sees it; `None`: unknown."""
        return None

    # What the avatar hears and sees of the transport.

    def loudness(self) -> float:
        """Of what the avatar heard of the client in the last tenth of a second, 0 to 1 (RMS)."""
        pytest.skip("this room's avatar doesn't hear")

    def luma(self) -> float | None:
        """Of the last picture that the avatar saw of the client; `None`: none."""
        pytest.skip("this room's avatar doesn't see")
