"""An engine that does what a test says, for tests of what is built on engines."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from akool_async.transport.engines.engine import EngineError


class FakeEngine:
    """An engine of someone's, for any vendor: remembers what was asked of it.

    Args:
        answers: codes to answer to the first sends, 0 for "taken"; later ones are taken.
        orders: what else to do. `join`, `leave`, `renew`: refuse with it. `absent`: no one is
            in the room. `hang`, `stuck`, `stays`: joining, sending, leaving never ends. `deaf`: an
            event until which leaving ignores being cancelled. `deaf_join`: the same for joining.
            `fails`: the error that joining raises.
    """

    def __init__(self, *answers: int, **orders: Any) -> None:
        self.answers = list(answers)
        self.orders = orders
        self.sent: list[bytes] = []
        self.left = 0
        self.inside = False
        self.rooms: list[Any] = []
        self.tokens: list[str] = []
        self.events: Any = None

    async def join(self, room: Any, events: Any) -> None:
        self.rooms.append(room)
        self.events = events
        if "hang" in self.orders:
            await asyncio.Event().wait()
        while "deaf_join" in self.orders and not self.orders["deaf_join"].is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.orders["deaf_join"].wait()
        if "join" in self.orders:
            raise EngineError(self.orders["join"])
        if "fails" in self.orders:
            raise self.orders["fails"]
        self.inside = True
        if "absent" not in self.orders:
            events.user_joined("9")

    async def send(self, packet: bytes) -> None:
        if "stuck" in self.orders:
            await asyncio.Event().wait()
        if self.answers and (code := self.answers.pop(0)):
            raise EngineError(code)
        self.sent.append(packet)

    async def renew_token(self, token: str) -> None:
        self.tokens.append(token)
        if "renew" in self.orders:
            raise EngineError(self.orders["renew"])

    async def leave(self) -> None:
        self.left += 1
        self.inside = False
        while "deaf" in self.orders and not self.orders["deaf"].is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.orders["deaf"].wait()
        if "stays" in self.orders:
            await asyncio.Event().wait()
        if "leave" in self.orders:
            raise EngineError(self.orders["leave"])
