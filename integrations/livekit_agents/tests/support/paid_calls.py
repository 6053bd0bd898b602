"""What was asked of the simulated service that costs."""

from __future__ import annotations

from collections import Counter

from akool_async.simulator import Simulator

__all__ = ["calls"]


def calls(sim: Simulator) -> Counter[str]:
    """Paid sessions created and closed."""
    paths = (request.path.rpartition("/")[2] for request in sim.requests)
    return Counter(path for path in paths if path in ("create", "close"))
