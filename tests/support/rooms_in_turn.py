"""In-memory sessions that follow each other, each in a room of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fake_avatar import FakeAvatar

from akool_async import AvatarSession, ConversationOptions, SessionInfo
from akool_async.conversation.renewal import NextSessions
from akool_async.conversation.standby import Connection
from akool_async.errors import BusyError
from akool_async.testing.in_memory_room import InMemoryRoom

#: Seconds that a session lasts, here.
SHORT = 6


class Rooms:
    """In-memory sessions, each in a room of its own with an avatar that answers in capitals."""

    def __init__(self, *, duration: float = SHORT, together: int = 2) -> None:
        self.duration = duration
        self.together = together
        self.avatars: list[FakeAvatar] = []
        self.open: list[str] = []
        self.most = 0
        #: Raised instead of opening the next ones.
        self.refusals: list[Exception] = []
        self.answering = True
        self.says: Callable[[str], str] = str.upper

    def connection(self) -> Connection:
        room = InMemoryRoom()
        avatar = FakeAvatar(room)
        self.avatars.append(avatar)
        name = f"session {len(self.avatars)}"
        self.open.append(name)
        self.most = max(self.most, len(self.open))

        loop = asyncio.get_running_loop()

        def on_chat(mid: str, text: str) -> None:
            if self.answering:
                avatar.event("audio_start", mid)
                loop.call_later(0.05, avatar.reply, mid, self.says(text))
                loop.call_later(0.15, avatar.event, "audio_end", mid)

        avatar.on_chat = on_chat
        info = SessionInfo(
            session_id=name, mode=2, duration=self.duration, created=loop.time(), transport="memory"
        )

        async def close() -> None:
            self.open.remove(name)

        return Connection(room.transport, info, close)

    async def opens(self) -> Connection:
        if self.refusals:
            raise self.refusals.pop(0)
        if len(self.open) >= self.together:
            raise BusyError(1237, "the avatar is in use")
        return self.connection()

    def session(self, *, overlap: bool = True, **options) -> AvatarSession:
        first = self.connection()
        return AvatarSession(
            first.transport,
            info=first.info,
            options=ConversationOptions(command_resend=0.2, **options),
            renew=NextSessions(first, self.opens, overlap),
        )
