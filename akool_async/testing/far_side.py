"""A room under test from the avatar's end, and how its tests wait."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Callable
from typing import Final

import pytest

from akool_async.errors import DisconnectedError
from akool_async.transport import JoinTarget, Transport

__all__ = ["PATIENCE", "FarSide", "next_packet", "the_end", "until"]

#: Seconds after which something that should happen is taken to have failed.
PATIENCE: Final = 30.0


class FarSide(abc.ABC):
    """The room under test, from the avatar's end.

    The faults are optional: one that isn't overridden has its tests skipped.
    """

    @property
    @abc.abstractmethod
    def target(self) -> JoinTarget:
        """What the transport joins with."""

    @property
    @abc.abstractmethod
    def received(self) -> list[bytes]:
        """Every packet that the avatar got, in order."""

    @abc.abstractmethod
    async def send(self, packet: bytes) -> None:
        """The avatar sends a packet."""

    @abc.abstractmethod
    async def end(self) -> None:
        """The room ends for good, as when the session is over."""

    async def drop(self) -> None:
        """The network connection breaks without a word."""
        pytest.skip("this room can't drop the connection")

    async def refuse(self) -> None:
        """From now on nobody is let in with these credentials."""
        pytest.skip("this room can't refuse")

    async def hang(self) -> None:
        """From now on whoever joins gets no answer."""
        pytest.skip("this room can't leave a join unanswered")

    async def wait_received(self, count: int) -> list[bytes]:
        """The packets that the avatar got, once there are `count`."""
        await until(lambda: len(self.received) >= count, f"{count} packets at the avatar")
        return self.received


async def until(condition: Callable[[], bool], what: str) -> None:
    """Waits until a condition holds; fails after `PATIENCE` seconds, saying `what` didn't come."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while not condition():
        assert loop.time() < end, f"waited {PATIENCE:g} s for {what}"
        await asyncio.sleep(0.005)


async def next_packet(transport: Transport) -> bytes:
    """The next packet; changes of the connection are passed over."""
    async with asyncio.timeout(PATIENCE):
        while True:
            item = await transport.receive()
            if isinstance(item, bytes):
                return item


async def the_end(transport: Transport) -> DisconnectedError:
    """The error that `receive` ends with; what comes before is passed over."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await transport.receive()
            except DisconnectedError as error:
                return error
