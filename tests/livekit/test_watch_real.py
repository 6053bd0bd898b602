"""The page in a real Chromium, in a room of a real livekit-server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chromium import NEEDS_A_BROWSER, client_path
from page_visit import answer, see_hear_and_talk

from akool_async import AkoolClient, OwnLiveKitRoom
from akool_async.simulator import Media, Simulator
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer

pytestmark = [*NEEDS_A_BROWSER, pytest.mark.livekit_server, pytest.mark.real_clock]


async def test_a_person_sees_hears_and_talks_with_the_avatar(
    server: LiveKitServer, tmp_path: Path, record_property: Any
) -> None:
    client_path()
    room = OwnLiveKitRoom(
        url=server.websocket_url, api_key=server.api_key, api_secret=server.api_secret
    )
    async with (
        Simulator(livekit=server, reply=answer, pace=0.2, media=Media()) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session("dvp_Tristan_cloth2_1080P", room=room) as avatar,
    ):
        first_picture = await see_hear_and_talk(avatar, tmp_path)
    record_property("first picture, ms", first_picture)
    print(f"first picture after {first_picture} ms")
