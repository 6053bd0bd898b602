"""The account's balance (docs/protocol.md §1)."""

from __future__ import annotations

from typing import Final

from akool_async.simulator.rest.api import Call, Routes
from akool_async.simulator.service import Service

__all__ = ["ROUTES"]

#: What an account has that `Simulator(credits=None)` doesn't limit.
_ENOUGH: Final = 1_000_000.0


async def balance(service: Service, call: Call) -> dict[str, float]:
    """`GET /api/open/v3/faceswap/quota/info`: the account's, whatever the path says."""
    del call
    left = service.book.left
    return {"credit": _ENOUGH - service.book.taken if left is None else left}


ROUTES: Final[Routes] = {"/api/open/v3/faceswap/quota/info": {"GET": balance}}
