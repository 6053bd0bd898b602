"""What a peer doesn't offer has its tests skipped."""

from __future__ import annotations

import pytest

from akool_async.testing.media_peer import MediaPeer


class Bare(MediaPeer):
    target = None

    async def publish(self, kind):
        """Nothing."""

    async def unpublish(self, kind):
        """Nothing."""


@pytest.mark.parametrize(
    "call",
    [
        lambda peer: peer.mute("audio", True),
        lambda peer: peer.stranger_publishes("audio"),
        lambda peer: peer.avatar_leaves(),
        lambda peer: peer.avatar_returns(),
        lambda peer: peer.drop(),
    ],
)
async def test_faults_are_optional(call):
    with pytest.raises(pytest.skip.Exception):
        await call(Bare())


def test_hearing_and_seeing_are_optional():
    for ask in (Bare().loudness, Bare().luma):
        with pytest.raises(pytest.skip.Exception):
            ask()
    assert Bare().subscribed is None
