"""A transport whose packets are noted, for captures and for looking at what goes over the wire."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, ClassVar, Literal, TypeAlias, cast

from akool_async.transport.contract import ConnectionChange, Transport

__all__ = ["Note", "tapped"]

#: Given each packet, on the event loop, in its order. Must neither block nor raise.
Note: TypeAlias = Callable[[Literal["sent", "received"], bytes], None]


class _Tap(Transport):
    """Comes before a transport among a class's bases."""

    notes: ClassVar[tuple[Note, ...]]

    async def send(self, packet: bytes, *, timeout: float) -> None:
        for note in self.notes:
            note("sent", packet)
        await super().send(packet, timeout=timeout)  # type: ignore[safe-super]

    async def receive(self) -> bytes | ConnectionChange:
        item = await super().receive()  # type: ignore[safe-super]
        if isinstance(item, bytes):
            for note in self.notes:
                note("received", item)
        return item


def tapped(transport: type[Transport], note: Note) -> type[Transport]:
    """The same transport, whose packets are noted, for `open_session(transport=…)`.

        akool.open_session("…", transport=tapped(load_transport("livekit"), note))

    A packet is noted as sent when it is handed to the room, whether or not the room takes it, and
    as received when it is taken from the transport.
    """
    name = f"Tapped{transport.__name__}"

    def fill(body: dict[str, Any]) -> None:
        body["notes"] = (note,)

    return cast("type[Transport]", types.new_class(name, (_Tap, transport), exec_body=fill))
