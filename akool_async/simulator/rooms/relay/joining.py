"""How a member joins a room of the relay; `transport.engines.relay_wire` has the whole wire."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from aiohttp import web

from akool_async.transport.engines import relay_wire

__all__ = ["Refused", "first_frame"]

#: Seconds that a new connection has for saying what it wants to join.
HELLO_TIMEOUT: Final = 10.0


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """A member can't join; `code` is the vendor's."""

    def __init__(self, code: int | str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def to_dict(self) -> dict[str, Any]:
        """The relay's answer."""
        return relay_wire.refused(self.code, str(self))


async def first_frame(ws: web.WebSocketResponse) -> dict[str, Any]:
    """What a new connection wants to join; empty where it doesn't say so in time."""
    with contextlib.suppress(TimeoutError, TypeError):  # TypeError: no text frame
        async with asyncio.timeout(HELLO_TIMEOUT):
            return relay_wire.read_object(await ws.receive_str())
    return {}
