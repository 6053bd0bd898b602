"""A simulator and a v3 session of it, for tests of the chat room."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

from akool_async import AkoolClient
from akool_async.conversation import ConversationOptions
from akool_async.simulator import Simulator

AVATAR = "Kai_1080P_back"
LIMIT = 20.0

#: Short, so that a reply without an end mark doesn't hold up the tests.
QUICK = ConversationOptions(v3_quiet_time=0.2)


@asynccontextmanager
async def talking(*, options=QUICK, transport_options=None, open_with=None, **settings):
    """A simulator, and an avatar of it in conversation."""
    transport_options = {"reconnect_delay": 0.01, **(transport_options or {})}
    async with (
        Simulator(**{"queue_time": 0.0, **settings}) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(
            AVATAR,
            legacy=True,
            options=options,
            transport_options=transport_options,
            **{"mode": 2, **(open_with or {})},
        ) as avatar,
    ):
        yield sim, avatar, sim.sessions[avatar.info.session_id]


def asked(sim) -> list[dict]:
    """The payloads of the questions that reached the simulator."""
    return [json.loads(json.loads(p.data)["payload"]) for p in sim.packets if p.direction == "in"]


async def no_reply(_text: str) -> str:
    """The avatar takes a question and never answers."""
    await asyncio.Event().wait()
    raise AssertionError("nothing ends the wait")
