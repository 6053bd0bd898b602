"""A simulator whose rooms carry packets in memory, and calls to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from akool_async.simulator import Clock, Simulator
from akool_async.simulator.rooms.room import SimRoom
from akool_async.testing.waiting import until


class MemoryRoom(SimRoom):
    """Keeps what the avatar sends; `say` is the other side."""

    kind = "livekit"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.news = asyncio.Event()

    async def open(self) -> dict[str, Any]:
        self.sent: list[bytes] = []
        self.ends: list[str] = []
        self.published = False
        #: Packets that have this in them wait until the event is set.
        self.holds: tuple[bytes, asyncio.Event] | None = None
        return {
            "livekit_url": "ws://127.0.0.1:1",
            "livekit_token": "room-token",
            "livekit_room_name": "r",
            "livekit_server_identity": "avatar",
            "livekit_client_identity": "me",
        }

    async def send(self, packet: bytes) -> None:
        if self.holds is not None and self.holds[0] in packet:
            await self.holds[1].wait()
        self.sent.append(packet)

    def publish(self, *, on: bool = True) -> None:
        self.published = on
        self.news.set()

    async def leave(self) -> None:
        self.ends.append("left")

    async def close(self, reason: str) -> None:
        self.ends.append(reason)

    # -- the other side

    def say(self, message: dict[str, Any] | bytes) -> None:
        packet = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.events.packet(packet, "me")

    def chat(self, text: str, mid: str = "q1", idx: int = 0, *, fin: bool = True) -> None:
        self.say(
            {"v": 2, "type": "chat", "mid": mid, "idx": idx, "fin": fin, "pld": {"text": text}}
        )

    def command(self, cmd: str, mid: str | None = "c1", **payload: Any) -> None:
        message = {"v": 2, "type": "command", "pld": {"cmd": cmd, **payload}}
        self.say(message if mid is None else message | {"mid": mid})

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(packet) for packet in self.sent]

    until = staticmethod(until)

    async def answer(self, mid: str | None = "c1") -> dict[str, Any]:
        """The answer to a command."""
        found: list[dict[str, Any]] = []

        def answered() -> bool:
            found[:] = [m for m in self.messages if "cmd" in m["pld"] and m.get("mid") == mid]
            return bool(found)

        await self.until(answered)
        return found[-1]

    async def ended(self, times: int = 1) -> None:
        """Waits until the avatar stopped speaking so many times."""
        await self.until(
            lambda: sum(m["pld"].get("event") == "audio_end" for m in self.messages) >= times
        )

    def events_and_texts(self) -> list[str]:
        """What was sent, in short."""
        return [
            m["pld"].get("event") or m["pld"].get("cmd") or m["pld"]["text"] for m in self.messages
        ]

    def text(self, sender: str = "bot", mid: str | None = None) -> str:
        """All texts from a sender, joined as a receiver does it."""
        parts = [
            m["pld"]["text"]
            for m in self.messages
            if m["pld"].get("from") == sender and mid in (None, m["mid"])
        ]
        return "".join(parts).encode("utf-16", "surrogatepass").decode("utf-16")


class MemoryChatRoom(MemoryRoom):
    kind = "chatroom"
    dialect = "v3"

    async def open(self) -> dict[str, Any]:
        await super().open()
        return {
            "client_pull_stream_url": f"{self.base_url}/final_openapi_live/20261121_77.flv",
            "client_push_stream_url": f"{self.base_url}/openapi_live/20261121_77.whip",
            "client_chat_room_url": "ws://127.0.0.1:1/final_20261121_77/client_77.chat",
            "server_chat_room_url": "ws://127.0.0.1:1/final_20261121_77/server_77.chat",
        }

    def ask(self, payload: dict[str, Any] | str, to: str = "server_77") -> None:
        written = payload if isinstance(payload, str) else json.dumps(payload)
        self.say({"type": "chat", "to": to, "payload": written})


class Caller:
    """Calls one simulator as any program would: with an HTTP client and a key."""

    def __init__(self, sim: Simulator, http: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.http = http

    async def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The envelope. `path` without `/api/open`."""
        async with self.http.request(
            method,
            f"{self.sim.url}/api/open{path}",
            json=body,
            params={name: str(value) for name, value in query.items()},
        ) as response:
            assert response.status == 200
            return await response.json()

    async def data(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The answer's `data`; it must be a success."""
        envelope = await self(method, path, body, **query)
        assert envelope["code"] == 1000, envelope
        return envelope["data"]

    async def code(self, method: str, path: str, body: Any = None, **query: Any) -> int:
        envelope = await self(method, path, body, **query)
        assert ("data" in envelope) is False or envelope["code"] == 1000
        return int(envelope["code"])

    async def create(self, **fields: Any) -> dict[str, Any]:
        """A v4 session in memory."""
        body = {
            "avatar_id": "dvp_Tristan_cloth2_1080P",
            "stream_type": "livekit",
            "duration": 600,
            **fields,
        }
        data = await self.data("POST", "/v4/liveAvatar/session/create", body)
        assert isinstance(data, dict)
        return data

    async def room(self, **fields: Any) -> MemoryRoom:
        """The room of a new v4 session."""
        room = self.sim.room((await self.create(**fields))["_id"])
        assert isinstance(room, MemoryRoom)
        return room

    async def close(self, session_id: str) -> int:
        return await self.code("POST", "/v4/liveAvatar/session/close", {"id": session_id})


Start = Callable[..., Awaitable[Caller]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts simulators with rooms in memory; takes `Simulator`'s arguments."""
    async with AsyncExitStack() as stack:

        async def one(**options: Any) -> Caller:
            rooms = {"livekit": MemoryRoom, "chatroom": MemoryChatRoom}
            sim = await stack.enter_async_context(Simulator(rooms=rooms, **options))
            headers = {"x-api-key": options.get("api_key") or "any"}
            http = await stack.enter_async_context(aiohttp.ClientSession(headers=headers))
            return Caller(sim, http)

        yield one


@pytest.fixture
def stopped_clock() -> Clock:
    """Time passes by `sim.advance` only."""
    return Clock(running=False)
