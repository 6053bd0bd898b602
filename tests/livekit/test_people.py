"""People in LiveKit rooms, the simulator's own and those of a real server."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from livekit import rtc

from akool_async import (
    AkoolClient,
    AvatarSession,
    Event,
    NotSupportedError,
    OwnLiveKitRoom,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantSpeaking,
    ViewerLink,
)
from akool_async.simulator import Simulator
from akool_async.simulator.rooms.livekit.tokens import API_KEY, API_SECRET
from akool_async.testing.conformance import TIMEOUT, until

AVATAR = "dvp_Tristan_cloth2_1080P"
REAL = pytest.param("real", marks=pytest.mark.livekit_server)


@pytest_asyncio.fixture(params=["simulated", REAL])
async def hall(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Simulator, OwnLiveKitRoom]]:
    """A room of our own on the simulator, and on a real server."""
    if request.param == "real":
        server = request.getfixturevalue("server")
        async with Simulator(livekit=server) as sim:
            yield (
                sim,
                OwnLiveKitRoom(
                    url=server.websocket_url, api_key=server.api_key, api_secret=server.api_secret
                ),
            )
    else:
        async with Simulator() as sim:
            url = sim.url.replace("http", "ws", 1)
            yield sim, OwnLiveKitRoom(url=url, api_key=API_KEY, api_secret=API_SECRET)


@asynccontextmanager
async def in_room(link: ViewerLink) -> AsyncIterator[rtc.Room]:
    """Someone who joined by a link."""
    room = rtc.Room()
    await room.connect(link.url, link.token, rtc.RoomOptions(auto_subscribe=False))
    try:
        yield room
    finally:
        await room.disconnect()


def everything(avatar: AvatarSession) -> list[Event]:
    seen: list[Event] = []
    for kind in (ParticipantJoined, ParticipantLeft):
        avatar.on(kind)(seen.append)
    return seen


async def test_a_visitor_is_seen_coming_and_going_and_a_viewer_is_not(
    hall: tuple[Simulator, OwnLiveKitRoom],
) -> None:
    sim, room = hall
    async with (
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, room=room) as avatar,
    ):
        seen = everything(avatar)
        (only,) = avatar.participants
        assert (only.identity, only.is_avatar) == (room.avatar_identity, True)
        async with in_room(avatar.viewer_link()) as watching:
            async with in_room(avatar.visitor_link("guest-1", "Ada")) as visiting:
                await until(lambda: bool(seen))
                assert seen == [ParticipantJoined("guest-1", "Ada")]
                guest = next(p for p in avatar.participants if p.identity == "guest-1")
                assert (guest.name, guest.is_avatar) == ("Ada", False)
                # They see the avatar, the program and each other; no one sees the viewer.
                names = {room.avatar_identity, room.bot_identity}
                await until(lambda: set(watching.remote_participants) == names | {"guest-1"})
                await until(lambda: set(visiting.remote_participants) == names)
            await until(lambda: len(seen) == 2)
            assert seen[1] == ParticipantLeft("guest-1", "Ada")
            await until(lambda: "guest-1" not in watching.remote_participants)
        assert (await avatar.ask("one")).text == "You said: one"


async def test_only_the_program_can_talk_by_data(
    hall: tuple[Simulator, OwnLiveKitRoom],
) -> None:
    sim, room = hall
    async with (
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, room=room) as avatar,
    ):
        for link in (avatar.viewer_link(), avatar.visitor_link()):
            async with in_room(link) as guest:
                permissions: Any = guest.local_participant.permissions
                assert not permissions.can_publish_data
                assert permissions.can_publish == (link.identity.startswith("visitor"))
                sources = {rtc.TrackSource.Name(n) for n in permissions.can_publish_sources}
                assert sources == (
                    {"SOURCE_MICROPHONE", "SOURCE_CAMERA"} if permissions.can_publish else set()
                )


@pytest.mark.livekit_server
async def test_the_services_room_explains_its_one_identity(server: Any) -> None:
    async with (
        Simulator(livekit=server) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR) as avatar,
    ):
        with pytest.raises(NotSupportedError, match="one client identity"):
            avatar.viewer_link()


async def test_a_simulators_own_room_has_viewers() -> None:
    async with (
        Simulator() as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR) as avatar,
    ):
        async with in_room(avatar.viewer_link()) as watching:
            identities = {one.identity for one in avatar.participants}
            await until(lambda: identities <= set(watching.remote_participants))
        assert (await avatar.ask("one")).text == "You said: one"
        assert len(avatar.participants) == 1


async def test_a_visitor_who_reconnects_in_another_tab_leaves_and_comes(
    hall: tuple[Simulator, OwnLiveKitRoom],
) -> None:
    sim, room = hall
    async with (
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, room=room) as avatar,
    ):
        seen = everything(avatar)
        link = avatar.visitor_link("guest-1")
        async with in_room(link):
            await until(lambda: len(seen) == 1)
            async with in_room(link):
                await until(lambda: len(seen) == 3)
                assert [type(event) for event in seen] == [
                    ParticipantJoined,
                    ParticipantLeft,
                    ParticipantJoined,
                ]


@pytest.mark.livekit_server
@pytest.mark.parametrize("hall", [REAL], indirect=True)
async def test_who_speaks_is_known_where_it_is_asked_for(
    hall: tuple[Simulator, OwnLiveKitRoom],
) -> None:
    sim, room = hall
    async with (
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, room=room) as avatar,
        in_room(avatar.visitor_link("guest-1")) as guest,
    ):
        seen: list[ParticipantSpeaking] = []
        avatar.on(ParticipantSpeaking)(seen.append)
        source = rtc.AudioSource(48_000, 1)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await guest.local_participant.publish_track(track, options)
        wave = b"".join(
            struct.pack("<h", int(20_000 * math.sin(n * math.tau / 100))) for n in range(480)
        )
        async with asyncio.timeout(TIMEOUT):
            while not seen:
                await source.capture_frame(rtc.AudioFrame(wave, 48_000, 1, 480))
        assert seen[0] == ParticipantSpeaking("guest-1", speaking=True)
        assert next(p for p in avatar.participants if p.identity == "guest-1").speaking
        # It falls silent: nothing more is written.
        await until(lambda: len(seen) > 1)
        assert seen[1] == ParticipantSpeaking("guest-1", speaking=False)
