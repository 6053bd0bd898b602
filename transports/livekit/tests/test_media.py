"""`akool_livekit.media`: the avatar's tracks, and what the token permits."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from akool_livekit.media import LiveKitMedia
from akool_livekit.participants import ParticipantTracker
from akool_livekit.sender_filter import SenderFilter
from livekit import rtc

from akool_async.media import AudioRequest, MediaCapabilities
from akool_async.testing.media_samples import NotingAudio
from akool_async.transport import Inbox, TransportStats

AUDIO, VIDEO = rtc.TrackKind.KIND_AUDIO, rtc.TrackKind.KIND_VIDEO


class VendorRoom:
    """As much of `rtc.Room` as is used before a track is read."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}
        self.remote_participants: dict[str, Any] = {}
        may = SimpleNamespace(can_subscribe=True, can_publish=False)
        self.local_participant = SimpleNamespace(permissions=may)

    def isconnected(self) -> bool:
        return True

    def on(self, event: str, handler: Any) -> None:
        self.handlers[event] = handler

    def comes(self, identity: str) -> Any:
        active = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
        other = SimpleNamespace(
            identity=identity, sid=identity, state=active, track_publications={},
            name="", attributes={}, metadata="", kind=0,
        )  # fmt: skip
        self.remote_participants[identity] = other
        self.handlers["participant_connected"](other)
        return other

    def publishes(self, participant: Any, sid: str, kind: int, source: int) -> Any:
        asked: list[bool] = []
        publication = SimpleNamespace(
            sid=sid, kind=kind, source=source, name=sid, muted=False, width=640, height=360,
            simulcasted=False, track=None, asked=asked, set_subscribed=asked.append,
        )  # fmt: skip
        participant.track_publications[sid] = publication
        self.handlers["track_published"](publication)
        return publication


@pytest.fixture
def room() -> VendorRoom:
    return VendorRoom()


@pytest.fixture
async def media(room):
    stats = TransportStats()
    tracker = ParticipantTracker(SenderFilter("avatar", own_room=True), Inbox(stats), stats)
    tracker.listen(room)

    async def usable() -> Any:
        return room

    media = LiveKitMedia(tracker, usable)
    yield media
    await media.close()


async def test_only_the_avatars_tracks_are_listed_and_read(media, room) -> None:
    changes: list[int] = []
    media.on_change = lambda: changes.append(len(media.tracks))
    avatar, stranger = room.comes("avatar"), room.comes("stranger")
    media.hear(AudioRequest(), NotingAudio())
    other = room.publishes(stranger, "TR_s", AUDIO, rtc.TrackSource.SOURCE_MICROPHONE)
    own = room.publishes(avatar, "TR_a", AUDIO, rtc.TrackSource.SOURCE_MICROPHONE)
    assert [(track.id, track.kind, track.height) for track in media.tracks] == [
        ("TR_a", "audio", 0)
    ]
    assert (own.asked, other.asked) == ([True], [])
    room.handlers["participant_disconnected"](room.remote_participants.pop("avatar"))
    assert media.tracks == ()
    assert changes == [1, 0]


async def test_the_voice_goes_before_the_sound_of_a_shared_screen(media, room) -> None:
    avatar = room.comes("avatar")
    media.hear(AudioRequest(), NotingAudio())
    screen = room.publishes(avatar, "TR_1", AUDIO, rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO)
    voice = room.publishes(avatar, "TR_2", AUDIO, rtc.TrackSource.SOURCE_MICROPHONE)
    await asyncio.sleep(0)
    assert screen.asked == [True, False]
    assert voice.asked == [True]


async def test_the_token_decides_what_can_be_done(media) -> None:
    assert media.capabilities == MediaCapabilities(True, True, False, False)


async def test_what_is_published_during_a_reconnect_is_asked_for_after_it(media, room) -> None:
    avatar = room.comes("avatar")
    media.hear(AudioRequest(), NotingAudio())
    room.handlers["reconnecting"](None)
    voice = room.publishes(avatar, "TR_1", AUDIO, rtc.TrackSource.SOURCE_MICROPHONE)
    assert voice.asked == []
    room.handlers["reconnected"](None)
    assert voice.asked == [True]
