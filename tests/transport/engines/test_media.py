"""`transport.engines.media`: only the avatar's audio and video, whoever that is at the moment."""

from __future__ import annotations

from typing import Any

import pytest

from akool_async.errors import DisconnectedError, NotSupportedError
from akool_async.media import (
    AudioRequest,
    AudioSink,
    MediaCapabilities,
    MediaSubscription,
    TrackInfo,
    VideoRequest,
)
from akool_async.testing.media_samples import NotingAudio, NotingVideo
from akool_async.transport import TransportStats
from akool_async.transport.engines.media import EngineMedia, EngineMediaTransport
from akool_async.transport.engines.participants import ParticipantTracker

VOICE = TrackInfo("1", "audio")


class Media(EngineMedia):
    """An engine's audio, of which the test sees what is open."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.published: dict[str, tuple[TrackInfo, ...]] = {}
        self.can = MediaCapabilities(hear=True)
        self.closed = False

    @property
    def capabilities(self) -> MediaCapabilities:
        return self.can

    def tracks(self, identity: str) -> tuple[TrackInfo, ...]:
        return self.published.get(identity, ())

    def hear(self, identity: str, request: AudioRequest, sink: AudioSink) -> MediaSubscription:
        media = self

        class One(MediaSubscription):
            def close(self) -> None:
                media.open.remove(identity)

        self.open.append(identity)
        return One()

    async def speak(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("it can't speak")

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def engine() -> Media:
    return Media()


@pytest.fixture
async def participants() -> ParticipantTracker:
    return ParticipantTracker(TransportStats(), own_id="us", avatar_id=None)


@pytest.fixture
def media(engine: Media, participants: ParticipantTracker) -> EngineMediaTransport:
    return EngineMediaTransport(engine, participants)


async def test_a_subscription_follows_the_avatar(media, engine, participants) -> None:
    subscription = media.hear(AudioRequest(), NotingAudio())
    assert engine.open == []
    participants.user_joined("avatar")
    participants.user_joined("stranger")
    assert engine.open == ["avatar"]
    participants.user_left("avatar")
    assert engine.open == []
    participants.user_joined("avatar-2")
    assert engine.open == ["avatar-2"]
    participants.begin_rejoin()
    assert engine.open == []
    participants.user_joined("avatar-2")
    assert engine.open == ["avatar-2"]
    subscription.close()
    subscription.close()
    assert engine.open == []


async def test_changes_are_reported_once_each(media, engine, participants) -> None:
    changes: list[int] = []
    media.on_change = lambda: changes.append(len(media.tracks))
    engine.published = {"avatar": (VOICE,), "stranger": (VOICE, VOICE)}
    participants.user_joined("avatar")
    participants.user_joined("stranger")
    assert media.tracks == (VOICE,)
    engine.published["avatar"] = ()
    engine.on_change()
    engine.on_change()
    engine.can = MediaCapabilities()
    engine.on_change()
    assert changes == [1, 0, 0]


async def test_what_the_engine_cannot_is_refused(media, engine, participants) -> None:
    for refused in (
        media.speak(AudioRequest(), queue_ms=200, timeout=1),
        media.show(320, 180, timeout=1),
    ):
        with pytest.raises(NotSupportedError):
            await refused
    with pytest.raises(NotSupportedError):
        media.see(VideoRequest(), NotingVideo())
    engine.can = MediaCapabilities()
    with pytest.raises(NotSupportedError):
        media.hear(AudioRequest(), NotingAudio())


async def test_the_end_closes_everything(media, engine, participants) -> None:
    participants.user_joined("avatar")
    media.hear(AudioRequest(), NotingAudio())
    await media.close()
    await media.close()
    assert engine.closed
    assert engine.open == []
    media.hear(AudioRequest(), NotingAudio()).close()
    assert engine.open == []
    engine.can = MediaCapabilities(speak=True, show=True)
    for late in (
        media.speak(AudioRequest(), queue_ms=200, timeout=1),
        media.show(320, 180, timeout=1),
    ):
        with pytest.raises(DisconnectedError):
            await late
