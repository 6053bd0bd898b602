"""The other processes of `bench_livekit`: who echoes, and who joins a hundred rooms.

    python tests/benchmarks/livekit_rooms.py echo COUNT
    python tests/benchmarks/livekit_rooms.py ours|raw COUNT

The server is named in the environment as for the tests. Each prints a line, "ready" or the figures
as JSON; `echo` goes on until its standard input is closed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import psutil
from livekit import rtc
from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from akool_livekit import LiveKitTransport
from real_livekit import server_from_environment

from akool_async.models.credentials import LiveKitCredentials
from akool_async.simulator.rooms.livekit_server.client import RoomClient
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.transport import JoinTarget

PACKET: Final = b'{"v":2,"pad":"' + b"x" * 484 + b'"}'
_AT_ONCE: Final = 4


def server() -> LiveKitServer:
    """The server of the environment."""
    known = server_from_environment()
    if known is None:
        raise SystemExit("there is no livekit-server in the environment")
    return LiveKitServer(known.url, known.api_key, known.api_secret)


def token(who: str, number: int) -> str:
    """To join room `number` as someone."""
    return server().token(f"{who}{number}", f"bench{number}", lifetime=3600)


def transport(number: int, who: str = "ours") -> LiveKitTransport:
    """Ours, to room `number`."""
    credentials = LiveKitCredentials(
        livekit_url=server().websocket_url,
        livekit_token=SecretStr(token(who, number)),
        livekit_server_identity=f"echo{number}",
    )
    return LiveKitTransport(JoinTarget(credentials), {})


async def raw_room(number: int, who: str = "raw") -> tuple[rtc.Room, asyncio.Queue[bytes]]:
    """The counterpart: the client by itself, lean, with what it hears in a queue."""
    room = rtc.Room()
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    room.on("data_received", lambda packet: heard.put_nowait(packet.data))
    options = rtc.RoomOptions(
        auto_subscribe=False,
        single_peer_connection=False,
        rtc_config=rtc.RtcConfiguration(
            continual_gathering_policy=rtc.ContinualGatheringPolicy.GATHER_ONCE
        ),
    )
    await room.connect(server().websocket_url, token(who, number), options)
    return room, heard


class _Echo:
    """Returns every packet of one room, in order."""

    def __init__(self) -> None:
        self.client = RoomClient(self)
        self._packets: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue()

    def joined(self, identity: str) -> None:
        """Not of interest."""

    def left(self, identity: str) -> None:
        """Not of interest."""

    def packet(self, data: bytes, sender: str) -> None:
        """To be returned."""
        self._packets.put_nowait((data, sender))

    async def run(self) -> None:
        while True:
            data, sender = await self._packets.get()
            await self.client.send(data, to=[sender] if sender else [])


async def echo(count: int) -> None:
    """`count` rooms in which everything comes back."""
    echoes = [_Echo() for _ in range(count)]
    turns = asyncio.Semaphore(_AT_ONCE)

    async def join(number: int) -> None:
        async with turns:
            address = server().websocket_url
            await echoes[number].client.join(address, token("echo", number), track=False)

    await asyncio.gather(*(join(number) for number in range(count)))
    running = [asyncio.create_task(one.run()) for one in echoes]
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await asyncio.gather(*(one.client.leave() for one in echoes))


async def join_ours(count: int) -> dict[str, float]:
    """Ours, all asked for at once: it sees by itself that four are under way."""
    transports = [transport(number) for number in range(count)]

    async def one(number: int) -> None:
        await transports[number].connect(timeout=120)
        await transports[number].send(PACKET, timeout=30)
        async with asyncio.timeout(30):
            while await transports[number].receive() != PACKET:
                pass

    figures = await _measured(one, count)
    await asyncio.gather(*(one.close() for one in transports))
    return figures


async def join_raw(count: int) -> dict[str, float]:
    """The client by itself, four at a time, each until its first publish went out."""
    turns = asyncio.Semaphore(_AT_ONCE)
    rooms: list[rtc.Room] = []

    async def one(number: int) -> None:
        async with turns:
            room, heard = await raw_room(number)
            rooms.append(room)
            await room.local_participant.publish_data(b"0", destination_identities=["nobody"])
        await room.local_participant.publish_data(PACKET)
        async with asyncio.timeout(30):
            await heard.get()

    figures = await _measured(one, count)
    await asyncio.gather(*(room.disconnect() for room in rooms))
    return figures


async def _measured(one: Callable[[int], Awaitable[None]], count: int) -> dict[str, float]:
    process = psutil.Process()
    peak = 0
    over = asyncio.Event()

    async def watch() -> None:
        nonlocal peak
        while not over.is_set():
            peak = max(peak, process.num_fds())
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    before = process.memory_info().rss
    start = time.perf_counter()
    done = await asyncio.gather(*(one(n) for n in range(count)), return_exceptions=True)
    seconds = time.perf_counter() - start
    over.set()
    await watching
    failures = [result for result in done if result is not None]
    for failure in failures[:3]:
        print(repr(failure), file=sys.stderr)
    return {
        "time": seconds,
        "memory of a room": (process.memory_info().rss - before) / count / 1e6,
        "fds at most": peak,
        "failed": len(failures),
    }


def main() -> None:
    """The command line."""
    what, count = sys.argv[1], int(sys.argv[2])
    calls: dict[str, Callable[[int], Any]] = {"echo": echo, "ours": join_ours, "raw": join_raw}
    figures = asyncio.run(calls[what](count))
    if figures is not None:
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
