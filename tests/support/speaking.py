"""What tests of speech share: tokens that a test feeds, an avatar that speaks, what it got."""

from __future__ import annotations

import asyncio
import json

from akool_async.testing.in_memory_room import InMemoryRoom


def parts(pair: InMemoryRoom) -> list[dict]:
    """The parts of chats that arrived."""
    return [p for p in map(json.loads, pair.packets) if p["type"] == "chat"]


def interrupts(pair: InMemoryRoom) -> list[int]:
    """Where among all packets an interrupt arrived."""
    found = map(json.loads, pair.packets)
    return [n for n, p in enumerate(found) if p["pld"].get("cmd") == "interrupt"]


class Tokens:
    """A generator of tokens that a test feeds, and sees closed."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str | Exception | None] = asyncio.Queue()
        self.closed = False
        self.read = 0

    async def __aiter__(self):
        try:
            while (token := await self.queue.get()) is not None:
                if isinstance(token, Exception):
                    raise token
                self.read += 1
                yield token
        finally:
            self.closed = True

    def feed(self, *tokens: str | Exception | None) -> None:
        for token in tokens:
            self.queue.put_nowait(token)


def hear(robot, text: str, mid: str) -> None:
    """The service recognised what a person said."""
    robot.part(mid, 0, text, True, "user")


def says_it(robot) -> None:
    """The avatar speaks each whole message at once."""

    def on_chat(mid: str, text: str) -> None:
        robot.event("audio_start", mid)
        robot.event("audio_end", mid)

    robot.on_chat = on_chat
