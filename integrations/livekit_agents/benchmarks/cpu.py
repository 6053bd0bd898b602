"""What the avatar costs an agent's process: the same agent with and without it, in turns.

    python tests/livekit/server.py -- PYTHON integrations/livekit_agents/benchmarks/cpu.py

PYTHON is that of the environment which `nox -s integrations` makes. The agent says the same texts
with a scripted model and voice. Without the avatar it publishes its voice as an audio track; with
it the voice goes out by data streams. Simulator and server are other processes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).parents[3] / "tests" / "support"))

import psutil
from akool_livekit_agents import AvatarSession
from livekit import api, rtc
from livekit.agents import Agent
from real_livekit import server_from_environment
from scripted_agent import scripted_session

from akool_async import AkoolClient
from akool_async.simulator import Simulator

#: Seconds of each answer, and answers that are measured.
ANSWER, ANSWERS = 2.0, 8


def token(identity: str, kind: str) -> tuple[str, str]:
    """The server's address, and a token to join the room that the environment names."""
    server = server_from_environment()
    assert server is not None
    grants = api.VideoGrants(room_join=True, room=os.environ["CPU_ROOM"])
    made = api.AccessToken(server.api_key, server.api_secret).with_identity(identity)
    return server.url.replace("http", "ws", 1), made.with_grants(grants).with_kind(kind).to_jwt()


async def talk(avatar: AvatarSession | None) -> dict[str, float]:
    """One agent's life; processor seconds for a second, in percent."""
    room = rtc.Room()
    await room.connect(*token("agent", "agent"))
    session = scripted_session("Hello there.", ANSWER)
    process = psutil.Process()
    try:
        if avatar is not None:
            await avatar.start(session, room=room)
        await session.start(Agent(instructions="Talk."), room=room)
        await session.generate_reply(user_input="Hi").wait_for_playout()  # imports, first joins
        begun, before = time.monotonic(), process.cpu_times()
        for _ in range(ANSWERS):
            await session.generate_reply(user_input="Hi").wait_for_playout()
        seconds, after = time.monotonic() - begun, process.cpu_times()
    finally:
        await session.aclose()
        if avatar is not None:
            await avatar.aclose()
        await room.disconnect()
    spent = after.user + after.system - before.user - before.system
    return {"cpu": 100 * spent / seconds, "rss": process.memory_info().rss / 1e6}


async def agent(*, with_avatar: bool) -> None:
    """The measured process: prints its figures."""
    server = server_from_environment()
    assert server is not None
    if not with_avatar:
        print(json.dumps(await talk(None)))
        return
    async with AkoolClient() as akool:
        avatar = AvatarSession(
            "dvp_Tristan_cloth2_1080P",
            client=akool,
            livekit_url=server.url.replace("http", "ws", 1),
            livekit_api_key=server.api_key,
            livekit_api_secret=server.api_secret,
        )
        print(json.dumps(await talk(avatar)))


async def measured(sim: Simulator, kind: str) -> dict[str, float]:
    """Runs such a process, with a listener in its room: without one an agent doesn't speak."""
    os.environ["CPU_ROOM"] = f"cpu-{secrets.token_hex(4)}"
    listener = rtc.Room()
    await listener.connect(*token("listener", "standard"))
    try:
        return await _figures(sim, kind)
    finally:
        await listener.disconnect()


async def _figures(sim: Simulator, kind: str) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, kind),
        env={**os.environ, "AKOOL_API_KEY": "any", "AKOOL_API_URL": sim.url},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(300):
        output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"the agent's process failed with status {process.returncode}")
    figures: dict[str, float] = json.loads(output.splitlines()[-1])
    return figures


async def compare(rounds: int) -> None:
    """Prints both and their ratio."""
    ours, bare = [], []
    async with Simulator() as sim:
        for _ in range(rounds):
            ours.append(await measured(sim, "with"))
            bare.append(await measured(sim, "without"))
        left = len(sim.open_sessions)
    ratios = [one["cpu"] / other["cpu"] for one, other in zip(ours, bare, strict=True)]

    def median(figures: list[dict[str, float]], name: str) -> float:
        return statistics.median(figure[name] for figure in figures)

    print(
        f"LiveKit Agents, a process that speaks: with the avatar {median(ours, 'cpu'):.1f} % of a "
        f"core and {median(ours, 'rss'):.0f} MB, without {median(bare, 'cpu'):.1f} % and "
        f"{median(bare, 'rss'):.0f} MB; ratio {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}); sessions left open: {left}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", nargs="?", choices=["with", "without"], help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.kind is None:
        asyncio.run(compare(options.rounds))
    else:
        asyncio.run(agent(with_avatar=options.kind == "with"))
