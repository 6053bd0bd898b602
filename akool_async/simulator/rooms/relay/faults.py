"""What a test asked to go wrong in a loopback room, for as long as it does."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from akool_async.simulator.rooms.relay.joining import Refused

__all__ = ["LASTING", "RelayFaults"]

#: What `RelayFaults.ask` begins.
LASTING: Final = frozenset({"drop_socket", "silence", "hang", "refuse_joins", "refuse_sends"})


class RelayFaults:
    """The faults that last; those of a moment are the room's own.

    Attributes:
        hang: joins get no answer.
    """

    def __init__(self) -> None:
        self.hang = False
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

    def ask(self, name: str, options: dict[str, Any]) -> bool:
        """Begins a fault; `False`: not one of these."""
        now = asyncio.get_running_loop().time()
        if name == "drop_socket":
            self._unreachable_until = now + float(options.get("refuse_for", 0))
        elif name == "silence":
            self._silent_until = now + float(options["seconds"])
        elif name == "hang":
            self.hang = True
        elif name == "refuse_joins":
            self._refuse_joins = options["code"]
        elif name == "refuse_sends":
            self._refuse_sends += [int(options["code"])] * int(options.get("times", 1))
        else:
            return False
        return True

    def check_join(self) -> None:
        """Raises `Refused` while joins are to be refused."""
        if self._refuse_joins is not None:
            raise Refused(self._refuse_joins, "asked for by a test")

    def next_send(self) -> int:
        """The code that the next packet is to be refused with; 0: none."""
        return self._refuse_sends.pop(0) if self._refuse_sends else 0
