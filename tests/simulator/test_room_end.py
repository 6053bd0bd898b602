"""How a session that runs out looks from inside its room, for a client of the real thing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from akool_async import AkoolClient
from akool_async.events import AvatarLeft, Disconnected
from akool_async.simulator import ServiceBehavior, Simulator


async def _run_out(way: Any, stream_type: Any) -> tuple[list[str], Simulator]:
    """What a client is sent when its session runs out, until its end."""
    reported: list[str] = []
    behavior = ServiceBehavior(room_end=way)
    async with (
        Simulator(behavior=behavior) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(
            "dvp_Tristan_cloth2_1080P", stream_type=stream_type, duration=600
        ) as avatar,
    ):
        events = avatar.events()
        await sim.advance(600)
        assert not sim.open_sessions
        async with asyncio.timeout(30):
            async for event in events:
                if isinstance(event, (AvatarLeft, Disconnected)):
                    reported.append(type(event).__name__)
                    if isinstance(event, Disconnected) or way == "avatar_leaves":
                        break
    return reported, sim


@pytest.mark.parametrize("stream_type", ["livekit", "agora", "trtc"])
async def test_the_avatar_leaves_or_the_room_closes(stream_type: Any) -> None:
    reported, sim = await _run_out("avatar_leaves", stream_type)
    assert reported == ["AvatarLeft"]
    reported, _ = await _run_out("room_closes", stream_type)
    assert reported[-1] == "Disconnected"
    # The client closes a session that has run out: the service knows it no more.
    assert [r.code for r in sim.requests if r.path.endswith("/close")] == [1216]
