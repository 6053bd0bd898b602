"""The other processes of the chat room's benchmarks; each ends with its standard input.

`python chatroom_echo.py serve` is a chat room that answers a question with its own text: the frame
it sends is the frame it got with `question` renamed to `answer`, so that a raw client and ours
exchange the same bytes with the same server. It prints its port.

`python chatroom_echo.py hold URL COUNT` opens raw connections and prints how many kB of resident
memory each of them takes.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys

import psutil
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

ASKED = b'\\"question\\":'
ANSWERED = b'\\"answer\\":'


async def answer(connection: ServerConnection) -> None:
    async for frame in connection:
        data = frame.encode() if isinstance(frame, str) else frame
        await connection.send(data.replace(ASKED, ANSWERED), text=True)


async def until_input_ends() -> None:
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def serve_room() -> None:
    async with serve(answer, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await until_input_ends()


async def hold(url: str, count: int) -> None:
    connections = [await connect(url)]  # what is made only once isn't counted
    before = resident_kb()
    connections += [await connect(url) for _ in range(count)]
    print((resident_kb() - before) / count, flush=True)
    await until_input_ends()
    for connection in connections:
        connection.transport.abort()


def resident_kb() -> float:
    gc.collect()
    return psutil.Process().memory_info().rss / 1000


def allow_many_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    allow_many_files()
    if sys.argv[1] == "serve":
        asyncio.run(serve_room())
    else:
        asyncio.run(hold(sys.argv[2], int(sys.argv[3])))
