"""An avatar at the far end of a pair. It writes and reads plain JSON, not with the codec."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from akool_async.conversation import AvatarSession, ConversationOptions, SessionInfo
from akool_async.testing.in_memory_room import InMemoryRoom

#: Limits short enough to be waited for, long enough for a busy machine.
QUICK = {
    "command_resend": 0.2,
    "quiet_time": 0.3,
    "fin_patience": 0.6,
    "audio_end_grace": 0.1,
    "interrupt_grace": 0.1,
    "opening_timeout": 0.3,
    "v3_quiet_time": 0.2,
    "close_timeout": 2.0,
}


class FakeAvatar:
    """Answers commands; chats are answered by `on_chat(mid, text)`, by default not at all."""

    def __init__(self, pair: InMemoryRoom) -> None:
        self.pair = pair
        self.answers_commands = True
        self.commands: list[dict[str, Any]] = []
        self.chats: list[tuple[str, str]] = []
        self.on_chat: Callable[[str, str], None] | None = None
        self._texts: dict[str, str] = {}
        self._arrived = asyncio.Event()
        pair.on_packet = self._packet

    def _packet(self, packet: bytes) -> None:
        message = json.loads(packet)
        mid, pld = message["mid"], message["pld"]
        if message["type"] == "command":
            self.commands.append(message)
            if self.answers_commands:
                self.answer(mid, pld["cmd"])
        else:
            self._texts[mid] = self._texts.get(mid, "") + pld["text"]
            if message["fin"]:
                text = self._texts.pop(mid)
                self.chats.append((mid, text))
                if self.on_chat is not None:
                    self.on_chat(mid, text)
        self._arrived.set()

    def send(self, **message: Any) -> None:
        self.pair.send(json.dumps({"v": 2, **message}).encode())

    def answer(self, mid: str, cmd: str, code: int = 1000, msg: str = "OK") -> None:
        self.send(type="command", mid=mid, pld={"cmd": cmd, "code": code, "msg": msg})

    def part(
        self, mid: str, idx: int, text: str, fin: bool | None = False, sender: str = "bot"
    ) -> None:
        marks = {} if fin is None else {"fin": fin}
        self.send(type="chat", mid=mid, idx=idx, **marks, pld={"from": sender, "text": text})

    def reply(self, mid: str, *pieces: str, sender: str = "bot") -> None:
        for idx, piece in enumerate(pieces):
            self.part(mid, idx, piece, idx == len(pieces) - 1, sender)

    def event(self, name: str, mid: str = "") -> None:
        self.send(type="event", mid=mid, pld={"event": name})

    def named(self, cmd: str) -> list[dict[str, Any]]:
        return [c for c in self.commands if c["pld"]["cmd"] == cmd]

    async def until(self, condition: Callable[[], object], timeout: float = 10.0) -> None:
        """Waits until a condition holds; looked at after each packet, and now and then."""
        async with asyncio.timeout(timeout):
            while not condition():
                self._arrived.clear()
                try:
                    async with asyncio.timeout(0.02):
                        await self._arrived.wait()
                except TimeoutError:
                    pass


class Scene:
    """A pair, the avatar in it and the session over it."""

    def __init__(self, pair: InMemoryRoom, robot: FakeAvatar, session: AvatarSession) -> None:
        self.pair = pair
        self.robot = robot
        self.session = session


@asynccontextmanager
async def open_scene(
    pair: InMemoryRoom | None = None, *, info: SessionInfo | None = None, **options: Any
) -> AsyncIterator[Scene]:
    pair = pair or InMemoryRoom()
    robot = FakeAvatar(pair)
    session = AvatarSession(
        pair.transport, info=info, options=ConversationOptions(**{**QUICK, **options})
    )
    async with session:
        yield Scene(pair, robot, session)


@pytest.fixture
def scene() -> Callable[..., Any]:
    """`async with scene(...) as s`: a conversation over a pair, in which commands are answered."""
    return open_scene


@pytest.fixture
def echo() -> Callable[[FakeAvatar], None]:
    """Makes an avatar answer each chat with its text in capitals, in two pieces."""

    def install(robot: FakeAvatar) -> None:
        def on_chat(mid: str, text: str) -> None:
            loud = text.upper()
            robot.reply(mid, loud[: len(loud) // 2], loud[len(loud) // 2 :])

        robot.on_chat = on_chat

    return install
