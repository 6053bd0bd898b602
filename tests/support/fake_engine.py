"""An engine that does what it is told, for tests of what stands on engines."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from akool_async.transport.engines.engine import EngineError


class FakeEngine:
    """An engine of somebody's, for any vendor: remembers what was asked of it.

    Args:
        answers: codes to answer to the first sends, 0 for "taken"; later ones are taken.
        told: what else to do. `join`, `leave`, `renew`: refuse with that code. `absent`: nobody is
            in the room. `hang`, `stuck`, `stays`: joining, sending, leaving never ends. `deaf`: an
            event until which leaving ignores being cancelled. `deaf_join`: the same for joining.
            `fails`: the error that joining raises.
    """

    def __init__(self, *answers: int, **told: Any) -> None:
        self.answers = list(answers)
        self.told = told
        self.sent: list[bytes] = []
        self.left = 0
        self.inside = False
        self.rooms: list[Any] = []
        self.tokens: list[str] = []
        self.events: Any = None

    async def join(self, room: Any, events: Any) -> None:
        self.rooms.append(room)
        self.events = events
        if "hang" in self.told:
            await asyncio.Event().wait()
        while "deaf_join" in self.told and not self.told["deaf_join"].is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.told["deaf_join"].wait()
        if "join" in self.told:
            raise EngineError(self.told["join"])
        if "fails" in self.told:
            raise self.told["fails"]
        self.inside = True
        if "absent" not in self.told:
            events.user_joined("9")

    async def send(self, packet: bytes) -> None:
        if "stuck" in self.told:
            await asyncio.Event().wait()
        if self.answers and (code := self.answers.pop(0)):
            raise EngineError(code)
        self.sent.append(packet)

    async def renew_token(self, token: str) -> None:
        self.tokens.append(token)
        if "renew" in self.told:
            raise EngineError(self.told["renew"])

    async def leave(self) -> None:
        self.left += 1
        self.inside = False
        while "deaf" in self.told and not self.told["deaf"].is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.told["deaf"].wait()
        if "stays" in self.told:
            await asyncio.Event().wait()
        if "leave" in self.told:
            raise EngineError(self.told["leave"])
