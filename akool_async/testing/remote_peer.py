"""The avatar's end of a room under test, and how tests wait for what a transport receives."""

from __future__ import annotations

import abc
import asyncio

import pytest

from akool_async.errors import DisconnectedError
from akool_async.testing.waiting import TIMEOUT, until
from akool_async.transport import JoinTarget, Transport

__all__ = ["TIMEOUT", "RemotePeer", "next_packet", "the_end", "until"]


class RemotePeer(abc.ABC):
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
        """Every packet that the avatar received, in order."""

    @abc.abstractmethod
    async def send(self, packet: bytes) -> None:
        """The avatar sends a packet."""

    @abc.abstractmethod
    async def end(self) -> None:
        """The room ends for good, as when the session is over."""

    async def drop(self) -> None:
        """The network connection breaks without notice."""
        pytest.skip("this room can't drop the connection")

    async def refuse(self) -> None:
        """From now on these credentials are refused."""
        pytest.skip("this room can't refuse")

    async def hang(self) -> None:
        """From now on a join is not answered."""
        pytest.skip("this room can't leave a join unanswered")

    async def publish(self) -> None:
        """The avatar begins to publish audio or video, as the transport can see."""
        pytest.skip("this room carries data only")

    async def wait_received(self, count: int) -> list[bytes]:
        """The packets that the avatar received, once there are `count`."""
        await until(lambda: len(self.received) >= count, f"{count} packets at the avatar")
        return self.received


async def next_packet(transport: Transport) -> bytes:
    """The next packet; changes of the connection are passed over."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            item = await transport.receive()
            if isinstance(item, bytes):
                return item


async def the_end(transport: Transport) -> DisconnectedError:
    """The error that `receive` ends with; what comes before is passed over."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            try:
                await transport.receive()
            except DisconnectedError as error:
                return error
