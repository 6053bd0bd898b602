"""Talk with an avatar of the legacy v3 API, and watch it: its video is an FLV stream.

    python examples/watch_legacy.py

With AKOOL_API_KEY set it talks with the service, and opens `ffplay` where that is installed;
without one it runs against a simulator, which has no video, and prints the command only.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
from contextlib import AsyncExitStack

from akool_async import AkoolClient

AVATAR = "Kai_1080P_back"


def watching(url: str) -> list[str]:
    """The command that shows the stream as soon as it comes, without buffering it first."""
    return ["ffplay", "-fflags", "nobuffer", "-flags", "low_delay", "-loglevel", "error", url]


async def main() -> None:
    async with AsyncExitStack() as stack:
        live = "AKOOL_API_KEY" in os.environ
        if live:
            akool = await stack.enter_async_context(AkoolClient())
        else:
            from akool_async.simulator import Simulator

            simulator = await stack.enter_async_context(Simulator())
            akool = await stack.enter_async_context(AkoolClient("any", base_url=simulator.url))
        avatar = await stack.enter_async_context(akool.open_session(AVATAR, legacy=True))

        url = avatar.info.pull_url
        player = None
        if url is not None:
            # Whoever has this URL can watch, and its path names the chat room, too: don't share it.
            print("Watch it with:", shlex.join(watching(url)))
            if live and shutil.which("ffplay"):
                player = await asyncio.create_subprocess_exec(*watching(url))

        # What version 2 sets once, version 3 sends with each question; these are the defaults now.
        await avatar.set_params(mode=2, lang="en")
        for question in ("Hello", "What can you do?"):
            print(">", question)
            async for piece in avatar.stream(question):
                print(piece, end="", flush=True)
            print()
        if player is not None:
            print("Close the player to end the session.")
            await player.wait()


if __name__ == "__main__":
    asyncio.run(main())
