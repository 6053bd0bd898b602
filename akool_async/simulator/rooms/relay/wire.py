"""What goes over the websocket between a loopback room and its members.

- member, first: a text frame with `channel`, `identity`, `proof` (the token or signature) and the
  vendor's own fields for joining.
- relay, then: `{"event": "joined", "members": [identity, …]}`, or `{"event": "refused",
  "code": …, "message": …}` and the end.
- member: a packet is a binary frame of `relay.STAMP` (seconds of its own clock since joining, and a
  `cmdId`, 0 for Agora) and the payload; each is answered, in order, with `{"ack": code}`, 0 for
  accepted. `{"do": "leave"}`; Agora also `{"do": "renew", "token": …}`.
- relay: a packet is a binary frame of `relay.SENDER` (`cmdId`, length of the sender's
  identity), the identity and the payload. Notices:
  `{"event": "user_joined" | "user_left", "identity": …}`,
  `{"event": "disconnected", "code": …}`, `{"event": "token_will_expire", "seconds": …}`,
  `{"event": "renewed", "code": …}`.

`relay` is `akool_async.transport.engines.relay_client`, the member's side.

The room's credentials have `akool_simulator_url`, the simulator's base URL, beside the vendor's
fields: by it a client knows that the way into this room is the relay.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any, Final

from aiohttp import web

from akool_async.transport.engines.relay_client import SENDER

__all__ = [
    "LONGEST_IDENTITY",
    "Refused",
    "first_frame",
    "read_object",
    "relayed",
]

#: Bytes; its length is one byte in `SENDER`.
LONGEST_IDENTITY: Final = 255
#: Seconds that a new connection has for saying what it wants to join.
HELLO_TIMEOUT: Final = 10.0


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """A member can't join; `code` is the vendor's."""

    def __init__(self, code: int | str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def to_dict(self) -> dict[str, Any]:
        """The relay's answer."""
        return {"event": "refused", "code": self.code, "message": str(self)}


def relayed(packet: bytes, sender: str, command: int) -> bytes:
    """The binary frame of a packet on its way to a member."""
    name = sender.encode()
    return SENDER.pack(command, len(name)) + name + packet


def read_object(text: str) -> dict[str, Any]:
    """A text frame; empty where it isn't a JSON object."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


async def first_frame(ws: web.WebSocketResponse) -> dict[str, Any]:
    """What a new connection wants to join; empty where it doesn't say so in time."""
    with contextlib.suppress(TimeoutError, TypeError):  # TypeError: no text frame
        async with asyncio.timeout(HELLO_TIMEOUT):
            return read_object(await ws.receive_str())
    return {}
