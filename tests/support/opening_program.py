"""A program that opens and closes sessions, and ends in the way and at the moment it is given."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import akool_async
from akool_async import AkoolClient

sys.path.insert(0, str(Path(__file__).parent))

from session_service import QUICK, EmptyRoom

#: One that a simulator knows, too.
AVATAR = "dvp_Tristan_cloth2_1080P"


async def bot(akool: AkoolClient) -> None:
    while True:
        async with akool.open_session(AVATAR, transport=EmptyRoom, options=QUICK):
            await asyncio.sleep(0.02)


async def leave(after: float) -> None:
    await asyncio.sleep(after)
    sys.exit(3)


async def main(end: str, after: float) -> None:
    akool = AkoolClient()
    bots = [asyncio.create_task(bot(akool)) for _ in range(3)]
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    match end:
        case "exits":
            loop.call_later(after, sys.exit, 3)
        case "exits_in_a_task":
            bots.append(asyncio.create_task(leave(after)))
        case "stops_the_loop":
            loop.call_later(after, loop.stop)
        case "returns":
            await asyncio.sleep(after)
            return
        case "cancels_all_tasks":
            await asyncio.sleep(after)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            return
    await bot(akool)


if __name__ == "__main__":
    run = akool_async.run if sys.argv[1] == "waits" else asyncio.run
    run(main(sys.argv[1], float(sys.argv[2])))
