"""What a simulated service saw of all its sessions."""

from __future__ import annotations

from akool_async.simulator import Simulator

__all__ = ["most_open"]


def most_open(service: Simulator) -> int:
    """How many sessions were ever open at the same time, by the service's own times."""
    changes = []
    for session in service.sessions.values():
        changes.append((session.created, 1))
        if session.ended_at is not None:
            changes.append((session.ended_at, -1))
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most
