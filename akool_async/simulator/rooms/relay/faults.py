"""What a test asked to go wrong in a loopback room, for as long as it does."""

from __future__ import annotations

import asyncio

from akool_async.simulator.rooms.relay.joining import Refused

__all__ = ["RelayFaults"]


class RelayFaults:
    """The faults that last; those of a moment are the room's own.

    Attributes:
        hangs: joins get no answer.
    """

    def __init__(self) -> None:
        self.hangs = False
        self._unreachable_until = 0.0
        self._silent_until = 0.0
        self._refuse_joins: int | str | None = None
        self._refuse_sends: list[int] = []

    @property
    def unreachable(self) -> bool:
        """New connections break at once."""
        return asyncio.get_running_loop().time() < self._unreachable_until

    @property
    def silent(self) -> bool:
        """Packets are taken and never delivered."""
        return asyncio.get_running_loop().time() < self._silent_until

    def keep_away(self, seconds: float) -> None:
        """New connections break at once for so long."""
        self._unreachable_until = asyncio.get_running_loop().time() + seconds

    def silence(self, *, seconds: float) -> None:
        """Packets are taken and never delivered for so long."""
        self._silent_until = asyncio.get_running_loop().time() + seconds

    def refuse_joins(self, *, code: int | str) -> None:
        """Joins are refused from now on."""
        self._refuse_joins = code

    def refuse_sends(self, *, code: int, times: int = 1) -> None:
        """The next packets are refused."""
        self._refuse_sends += [int(code)] * times

    def hang(self) -> None:
        """Joins get no answer from now on."""
        self.hangs = True

    def check_join(self) -> None:
        """Raises `Refused` while joins are to be refused."""
        if self._refuse_joins is not None:
            raise Refused(self._refuse_joins, "asked for by a test")

    def next_send(self) -> int:
        """The code that the next packet is to be refused with; 0: none."""
        return self._refuse_sends.pop(0) if self._refuse_sends else 0
