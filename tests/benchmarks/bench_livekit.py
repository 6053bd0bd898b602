"""The LiveKit transport beside the raw `livekit` client, over the same real server."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from framework import Bench, at_most, at_most_times, row
from livekit_rooms import PACKET, raw_room, transport
from real_server import other_end

SCRIPT = Path(__file__).with_name("livekit_rooms.py")


def echoing_rooms(bench: Bench, count: int) -> AbstractAsyncContextManager[None]:
    """A real server with someone in each of its rooms who returns everything."""
    return other_end(bench, SCRIPT, "echo", str(count))


@row(
    "round trip, 500 bytes",
    group="livekit",
    unit="ms",
    counterpart="raw livekit",
    goal=at_most_times(1.1),
    needs_livekit_server=True,
)
async def round_trip(bench: Bench) -> None:
    """Both clients in one process and each in a room; the other end in another process."""
    async with echoing_rooms(bench, 2):
        ours = transport(0)
        await ours.connect(timeout=30)
        room, heard = await raw_room(1)

        async def there_and_back() -> None:
            await ours.send(PACKET, timeout=15)
            await ours.receive()

        async def raw_there_and_back() -> None:
            await room.local_participant.publish_data(PACKET)
            await heard.get()

        try:
            await bench.latency(there_and_back, raw_there_and_back, count=300)
        finally:
            await ours.close()
            await room.disconnect()


@row(
    "send 1,000 messages of 500 bytes",
    group="livekit",
    unit="s",
    counterpart="raw livekit, one after the other",
    goal=at_most_times(1.1),
    needs_livekit_server=True,
)
async def send_many(bench: Bench) -> None:
    """Until the last one was taken; what comes back meanwhile is heard by both."""
    async with echoing_rooms(bench, 2):
        ours = transport(0)
        await ours.connect(timeout=30)
        room, heard = await raw_room(1)

        async def send() -> None:
            for _ in range(1000):
                await ours.send(PACKET, timeout=15)
            for _ in range(1000):
                await ours.receive()

        async def raw_send() -> None:
            for _ in range(1000):
                await room.local_participant.publish_data(PACKET)
            for _ in range(1000):
                await heard.get()

        try:
            await bench.atime(send, raw_send)
        finally:
            await ours.close()
            await room.disconnect()


@row(
    "100 rooms joined and answered once",
    group="livekit",
    unit="s",
    counterpart="raw livekit, lean, four at a time",
    goal={
        "time": at_most_times(1.2),
        "memory of a room": at_most_times(1.1),
        "fds at most": at_most_times(1.2),
        "failed": at_most(0),
    },
    units={"memory of a room": "MB", "fds at most": "", "failed": ""},
    limit=300,
    needs_livekit_server=True,
)
async def hundred_rooms(bench: Bench) -> None:
    """Each in a process of its own."""
    async with echoing_rooms(bench, 100):
        for _ in bench.rounds(3):
            ours, raw = [await figures(kind) for kind in ("ours", "raw")]
            for part in ("time", "memory of a room", "fds at most", "failed"):
                bench.record(part, ours=ours[part], counterpart=raw[part])


async def figures(kind: str) -> dict[str, float]:
    """What one process says."""
    process = await asyncio.create_subprocess_exec(sys.executable, SCRIPT, kind, "100", stdout=PIPE)
    assert process.stdout is not None
    said = await process.stdout.read()
    status = await process.wait()
    # The bare client's native part aborts now and then (seen: 1 of 10) as its process ends, when
    # its figures are known already.
    if status and (kind == "ours" or not said):
        raise RuntimeError(f"the process of {kind} ended with {status}, having said {said!r}")
    figures: dict[str, float] = json.loads(said)
    return figures
