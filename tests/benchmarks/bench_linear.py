"""Long replies and long texts: what one more piece costs must not depend on how many there were."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from akool_async.conversation import AvatarSession
from akool_async.stream.limits import LIVEKIT
from akool_async.testing.in_memory_room import InMemoryRoom
from framework import Bench, at_most_times, row

#: Packets that the far side sends before the session gets to read them.
_BUNCH = 40


class Robot:
    """The far side: answers commands, answers a question in `deltas` parts, counts what is said."""

    def __init__(self, room: InMemoryRoom) -> None:
        self.deltas = 0
        self.said = 0
        self.all_said = asyncio.Event()
        self.expected = 0
        self._room = room
        self._replying: set[asyncio.Task[None]] = set()
        room.on_packet = self._take

    def _take(self, packet: bytes) -> None:
        message = json.loads(packet)
        self._room.packets.clear()
        pld = message["pld"]
        if message["type"] == "command":
            self._send("command", message["mid"], pld={"cmd": pld["cmd"], "code": 1000, "msg": ""})
        elif self.deltas:
            task = asyncio.create_task(self._reply(message["mid"], self.deltas))
            self._replying.add(task)
            task.add_done_callback(self._replying.discard)
        else:
            self.said += len(pld["text"])
            if self.said >= self.expected:
                self.all_said.set()

    async def _reply(self, mid: str, count: int) -> None:
        for idx in range(count):
            pld = {"from": "bot", "text": "piece "}
            self._send("chat", mid, idx=idx, fin=idx == count - 1, pld=pld)
            if idx % _BUNCH == 0:
                await asyncio.sleep(0)

    def _send(self, kind: str, mid: str, **rest: Any) -> None:
        self._room.send(json.dumps({"v": 2, "type": kind, "mid": mid, **rest}).encode())


@row(
    "a reply of 16,000 deltas, per delta",
    group="conversation",
    unit="µs",
    counterpart="of a reply of 1,000",
    goal=at_most_times(1.2),
)
async def long_reply(bench: Bench) -> None:
    """From `ask` to the reply, over a room in memory."""
    room = InMemoryRoom(limits=LIVEKIT)
    robot = Robot(room)

    async def per_delta(avatar: AvatarSession, count: int) -> float:
        robot.deltas = count
        start = time.perf_counter()
        reply = await avatar.ask("Go on.", timeout=60)
        took = time.perf_counter() - start
        assert len(reply.text) == count * len("piece ")
        return took / count * 1e6

    async with AvatarSession(room.transport) as avatar:
        await per_delta(avatar, 1000)
        for _ in bench.rounds():
            long = await per_delta(avatar, 16_000)
            short = [await per_delta(avatar, 1000) for _ in range(16)]
            bench.record(ours=long, counterpart=sum(short) / len(short))


@row(
    "60,000 words said, per word",
    group="conversation",
    unit="µs",
    counterpart="of 1,000 words",
    goal=at_most_times(1.2),
)
async def long_speech(bench: Bench) -> None:
    """From `say` of a stream of words to the packet with the last one, over a room in memory."""
    room = InMemoryRoom(limits=LIVEKIT)
    robot = Robot(room)

    async def words(count: int) -> AsyncIterator[str]:
        for number in range(count):
            yield "word. " if number % 12 == 11 else "word "

    async def per_word(avatar: AvatarSession, count: int) -> float:
        robot.said, robot.all_said = 0, asyncio.Event()
        robot.expected = sum([len(word) async for word in words(count)])
        start = time.perf_counter()
        utterance = avatar.say(words(count))
        async with asyncio.timeout(60):
            await robot.all_said.wait()
        took = time.perf_counter() - start
        await utterance.cancel()
        return took / count * 1e6

    async with AvatarSession(room.transport) as avatar:
        await avatar.set_params(mode=1)
        await per_word(avatar, 1000)
        for _ in bench.rounds(5):
            long = await per_word(avatar, 60_000)
            short = [await per_word(avatar, 1000) for _ in range(30)]
            bench.record(ours=long, counterpart=sum(short) / len(short))
