"""Talk with an avatar of the legacy v3 API, and watch it: its video is an FLV stream.

export AKOOL_API_KEY=…
python examples/watch_legacy.py            # prints the command to watch with
python examples/watch_legacy.py --play     # runs it: needs ffplay, which comes with FFmpeg
"""

from __future__ import annotations

import asyncio
import shlex
import sys

import akool_async
from akool_async import AkoolClient


def watching(url: str) -> list[str]:
    """The command that shows the stream as it comes, without buffering it first."""
    return ["ffplay", "-fflags", "nobuffer", "-flags", "low_delay", "-loglevel", "error", url]


async def main() -> None:
    async with (
        AkoolClient() as akool,
        akool.open_session("Kai_1080P_back", legacy=True) as avatar,
    ):
        player = None
        if url := avatar.info.pull_url:
            # Whoever has this URL can watch, and its path names the chat room, too: don't share it.
            print("watch it with:", shlex.join(watching(url)))
            if "--play" in sys.argv[1:]:
                player = await asyncio.create_subprocess_exec(*watching(url))
        try:
            # What version 2 sets once goes with every question in version 3; from here on this:
            await avatar.set_params(mode=2, language="en")
            for question in ("Hello", "What can you do?"):
                print(">", question)
                async for piece in avatar.stream(question):
                    print(piece, end="", flush=True)
                print()
            if player is not None:
                print("close the player to end the session")
                await player.wait()
        finally:
            if player is not None and player.returncode is None:
                player.terminate()
                await player.wait()


if __name__ == "__main__":
    try:
        akool_async.run(main())
    except KeyboardInterrupt:
        print("closed")
