from collections.abc import Mapping
from typing import Any

import pytest

from akool_async.errors import DisconnectedError, InvalidParameterError
from akool_async.stream.limits import PacketLimits
from akool_async.transport import ConnectionChange, JoinTarget, Transport, TransportStats


class Nowhere(Transport):
    """The least that a transport has to have."""

    name = "nowhere"
    limits = PacketLimits(1000)

    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        self.stats = TransportStats()

    async def connect(self, *, timeout: float) -> None: ...

    async def send(self, packet: bytes, *, timeout: float) -> None: ...

    async def receive(self) -> bytes | ConnectionChange:
        return b""

    async def close(self, *, timeout: float = 5.0) -> None: ...


def test_preflight_takes_no_options_unless_overridden() -> None:
    Nowhere.preflight({})
    with pytest.raises(InvalidParameterError, match="speed: the nowhere transport takes no such"):
        Nowhere.preflight({"speed": 1})


async def test_reconnect_says_it_cannot_unless_overridden() -> None:
    transport = Nowhere(None, {})  # type: ignore[arg-type]
    with pytest.raises(DisconnectedError, match="nowhere room fell silent") as caught:
        await transport.reconnect(timeout=1)
    assert caught.value.reason == "silent"
