"""The engine over the SDK, joined, and an `EngineEvents` that remembers: for its tests."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from akool_agora import Room
from akool_agora.sdk import SDKEngine

from akool_async.testing.conformance import until

__all__ = ["ROOM", "RecordedEvents", "joined"]

ROOM = Room("app", "channel", 12, "t0ken")


class RecordedEvents:
    """An `EngineEvents` that remembers, and on which thread."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []
        self.threads: set[threading.Thread] = set()

    def __getattr__(self, name: str) -> object:
        def remember(*args: object) -> None:
            self.events.append((name, *args))
            self.threads.add(threading.current_thread())

        return remember

    async def wait(self, *event: object) -> None:
        await until(lambda: event in self.events, f"{event}")


@asynccontextmanager
async def joined(recorded: RecordedEvents, room: Room = ROOM) -> AsyncIterator[SDKEngine]:
    engine = SDKEngine()
    try:
        await engine.join(room, recorded)  # type: ignore[arg-type]
        yield engine
    finally:
        await engine.leave()
