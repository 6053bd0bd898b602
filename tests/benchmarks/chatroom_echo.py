"""A chat room for benchmarks, in a process of its own: answers a question with its own text.

The frame it sends is the frame it got with `question` renamed to `answer`, so a raw client and
ours exchange the same bytes with the same server. Prints its port, ends with its standard input.
"""

from __future__ import annotations

import asyncio
import resource
import sys

from websockets.asyncio.server import ServerConnection, serve

ASKED = b'\\"question\\":'
ANSWERED = b'\\"answer\\":'


async def answer(connection: ServerConnection) -> None:
    async for frame in connection:
        data = frame.encode() if isinstance(frame, str) else frame
        await connection.send(data.replace(ASKED, ANSWERED), text=True)


async def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    async with serve(answer, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
