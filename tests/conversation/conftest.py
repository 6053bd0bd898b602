"""Conversations over an in-memory room with a fake avatar in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fake_avatar import FakeAvatar

from akool_async.conversation import AvatarSession, ConversationOptions, SessionInfo
from akool_async.testing.in_memory_room import InMemoryRoom

#: Limits short enough to be waited for, long enough for a busy machine.
QUICK = {
    "match_timeout": 0.1,
    "command_resend": 0.2,
    "quiet_time": 0.3,
    "fin_timeout": 0.6,
    "audio_end_timeout": 0.1,
    "interrupt_timeout": 0.1,
    "opening_timeout": 0.3,
    "v3_quiet_time": 0.2,
    "close_timeout": 2.0,
}


class Scene:
    """A room, the avatar in it and the session over it."""

    def __init__(self, pair: InMemoryRoom, robot: FakeAvatar, session: AvatarSession) -> None:
        self.pair = pair
        self.robot = robot
        self.session = session


@asynccontextmanager
async def open_scene(
    pair: InMemoryRoom | None = None,
    *,
    info: SessionInfo | None = None,
    before_opening: Callable[[Scene], object] | None = None,
    **options: Any,
) -> AsyncIterator[Scene]:
    pair = pair or InMemoryRoom()
    robot = FakeAvatar(pair)
    session = AvatarSession(
        pair.transport, info=info, options=ConversationOptions(**{**QUICK, **options})
    )
    scene = Scene(pair, robot, session)
    if before_opening is not None:
        before_opening(scene)
    async with session:
        yield scene


@pytest.fixture
def scene() -> Callable[..., Any]:
    """`async with scene(...) as s`: a conversation in which commands are answered."""
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
