"""A long conversation in many rooms of a real livekit-server, in one process.

    python tests/livekit/soak.py [--rooms 25] [--minutes 10]

Every room asks a question every two seconds or so and reads the reply as it streams. In the end it
prints what was asked, answered and lost, the memory, and how late the event loop ran; the status is
1 where something was lost, memory grew after the first minute (or the first third of a shorter
run), or the loop's lag was over its limit. The simulator with the avatars is another process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
from array import array
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from real_livekit import RealServer, build, environment_for, server_from_environment

from akool_async import AkoolClient, AkoolError, AvatarSession, ConversationOptions
from akool_async.simulator import Simulator
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer

AVATAR: Final = "dvp_Tristan_cloth2_1080P"
#: Memory may be this much larger at the end than after the first minute.
_GROWTH: Final = 1.05
#: Seconds between two looks at memory and the loop's lag.
_LAG_EVERY: Final = 0.02
_MEMORY_EVERY: Final = 1.0


@dataclass
class Findings:
    """What came of it; `lag` in seconds, memory in MB."""

    asked: int = 0
    answered: int = 0
    wrong: int = 0
    errors: list[str] = field(default_factory=list)
    memory_early: float = 0.0
    memory_late: float = 0.0
    lag_p99: float = 0.0

    @property
    def lost(self) -> int:
        """Questions without their own whole answer."""
        return self.asked - self.answered + self.wrong

    @property
    def memory_flat(self) -> bool:
        """Whether memory stayed what it was after the start."""
        return self.memory_late <= self.memory_early * _GROWTH

    def __str__(self) -> str:
        """For a person."""
        return (
            f"asked {self.asked}, answered {self.answered}, lost {self.lost}; "
            f"memory {self.memory_early:.0f} MB early, {self.memory_late:.0f} MB late; "
            f"loop lag p99 {self.lag_p99 * 1000:.1f} ms"
        )


async def soak(base_url: str, *, rooms: int, seconds: float) -> Findings:
    """Converses in `rooms` rooms for that long."""
    found = Findings()
    over = asyncio.Event()
    async with AkoolClient("any", base_url=base_url) as akool, AsyncExitStack() as stack:
        # The transcript keeps what was said, up to its bound: reached soon, so that what is left of
        # a growing memory is a leak.
        options = ConversationOptions(transcript_entries=20)
        duration = int(seconds) + 300
        openings = [
            akool.open_session(AVATAR, duration=duration, options=options) for _ in range(rooms)
        ]
        avatars = await asyncio.gather(*(stack.enter_async_context(one) for one in openings))
        watching = asyncio.create_task(_watch(found, over, seconds))
        talking = [
            asyncio.create_task(_converse(number, avatar, found, over))
            for number, avatar in enumerate(avatars)
        ]
        await asyncio.sleep(seconds)
        over.set()
        await asyncio.gather(*talking, watching)
    return found


async def _converse(
    number: int, avatar: AvatarSession, found: Findings, over: asyncio.Event
) -> None:
    turn = 0
    while not over.is_set():
        turn += 1
        question = f"room {number}, turn {turn}: " + "some words to be said again " * 10
        found.asked += 1
        try:
            async with avatar.stream(question, timeout=30) as reply:
                text = "".join([piece async for piece in reply])
        except AkoolError as error:
            found.errors.append(f"{type(error).__name__}: {error}"[:200])
        else:
            found.answered += 1
            found.wrong += text != f"You said: {question}"
        await asyncio.sleep(random.uniform(0.5, 1.5))


async def _watch(found: Findings, over: asyncio.Event, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    process = psutil.Process()
    lags = array("d")  # a list of 30,000 floats would be a megabyte that grows
    memory: list[tuple[float, float]] = []
    start = loop.time()
    while not over.is_set():
        due = loop.time() + _LAG_EVERY
        await asyncio.sleep(_LAG_EVERY)
        lags.append(loop.time() - due)
        now = loop.time() - start
        if not memory or now - memory[-1][0] >= _MEMORY_EVERY:
            memory.append((now, process.memory_info().rss / 1e6))
    settled = [m for at, m in memory if at >= min(60.0, seconds / 3)]
    tenth = max(1, len(settled) // 10)
    found.memory_early = sum(settled[:tenth]) / tenth
    found.memory_late = sum(settled[-tenth:]) / tenth
    found.lag_p99 = sorted(lags)[int(len(lags) * 0.99)]


@asynccontextmanager
async def simulator_process(server: RealServer | None) -> AsyncIterator[str]:
    """The URL of a simulator in a process of its own; with `server`, its rooms are there."""
    environment = {**os.environ, **(environment_for(server) if server is not None else {})}
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--simulator", stdin=PIPE, stdout=PIPE, env=environment
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


async def _simulate() -> None:
    known = server_from_environment()
    assert known is not None
    livekit = LiveKitServer(known.url, known.api_key, known.api_secret)
    async with Simulator(livekit=livekit, pace=0.02, keep=100) as sim:
        print(sim.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def _main(rooms: int, minutes: float) -> Findings:
    with (
        tempfile.TemporaryDirectory(prefix="livekit-") as folder,
        RealServer(build(), Path(folder)) as server,
    ):
        async with simulator_process(server) as url:
            return await soak(url, rooms=rooms, seconds=minutes * 60)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rooms", type=int, default=25)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--lag-limit", type=float, default=0.05, help="seconds, p99 (0.05)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--simulator", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.simulator:
        asyncio.run(_simulate())
        return 0
    found = asyncio.run(_main(arguments.rooms, arguments.minutes))
    print(json.dumps({**asdict(found), "lost": found.lost}) if arguments.json else found)
    for error in sorted(set(found.errors))[:10]:
        print(error, file=sys.stderr)
    fine = found.lost == 0 and found.memory_flat and found.lag_p99 < arguments.lag_limit
    return 0 if fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
