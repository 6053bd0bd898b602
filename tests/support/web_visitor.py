"""Visitors of `examples/web_app`, over its websocket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from running_command import TIMEOUT

__all__ = ["Visitor", "visitors"]


class Visitor:
    """A browser's websocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def shown(self, kind: str) -> Any:
        """The value of the next message that has that key."""
        while True:
            message = await self.socket.receive_json(timeout=TIMEOUT)
            if kind in message:
                return message[kind]

    def kill(self) -> None:
        """The browser's process is killed: nothing is said, the connection is gone."""
        connection = self.socket._conn  # type: ignore[attr-defined]
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()


@asynccontextmanager
async def visitors(url: str) -> AsyncIterator[Callable[[], Awaitable[Visitor]]]:
    """Gives a function that lets one come."""
    async with aiohttp.ClientSession() as client:

        async def come() -> Visitor:
            headers = {"Origin": url.rstrip("/")}
            return Visitor(await client.ws_connect(f"{url}visit", headers=headers))

        yield come
