"""Visitors of `examples/web_app`, over its websocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from running_command import TIMEOUT

__all__ = ["Visitor", "visitors"]


class Visitor:
    """A browser's websocket: it answers pings, whatever the visitor does."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._messages: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self.socket:
            self._messages.put_nowait(message.json())
        self._messages.put_nowait(None)

    async def shown(self, kind: str) -> Any:
        """The value of the next message that has that key."""
        seen = []
        async with asyncio.timeout(TIMEOUT):
            while (message := await self._messages.get()) is not None:
                if kind in message:
                    return message[kind]
                seen.append(message)
        raise AssertionError(f"the visit is over without {kind!r}: {seen}")

    def kill(self) -> None:
        """The browser's process is killed: nothing is said, the connection is gone."""
        # aiohttp has no public name for it, and `close` would say goodbye.
        connection = self.socket._conn  # type: ignore[attr-defined]
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()


@asynccontextmanager
async def visitors(url: str) -> AsyncIterator[Callable[[], Awaitable[Visitor]]]:
    """Gives a function that lets one come."""
    everyone: list[Visitor] = []
    async with aiohttp.ClientSession() as client:

        async def come() -> Visitor:
            headers = {"Origin": url.rstrip("/")}
            everyone.append(Visitor(await client.ws_connect(f"{url}visit", headers=headers)))
            return everyone[-1]

        try:
            yield come
        finally:
            for one in everyone:
                one.reading.cancel()
            await asyncio.gather(*(one.reading for one in everyone), return_exceptions=True)
            for one in everyone:
                # Without a closing handshake: those who are killed can't have one.
                one.socket._response.close()
