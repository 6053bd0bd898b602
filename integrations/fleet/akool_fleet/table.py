"""The fleet's state as a table for people."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from akool_fleet.ledger import FleetStatus
from akool_fleet.options import FleetOptions

__all__ = ["fleet_object", "fleet_table"]


def fleet_object(status: FleetStatus, options: FleetOptions) -> dict[str, Any]:
    """For `json.dumps`; `credits_per_hour` is `None` where the fleet wasn't given a price."""
    return {
        "name": options.name,
        "limit": options.limit,
        "credits_per_hour": _credits_per_hour(status, options),
        **status.to_dict(),
    }


def fleet_table(status: FleetStatus, options: FleetOptions) -> Table:
    """Seats, oldest first; counts in the title."""
    jobs = status.jobs
    ended = ", ".join(
        f"{jobs[state]} {state.replace('_', ' ')}"
        for state in ("done", "failed", "cut_off")
        if jobs.get(state)
    )
    title = (
        f"fleet {options.name}: {status.waiting} waiting, {len(status.seats)} of {options.limit} "
        f"seats, {len(status.workers)} workers"
    )
    if (credits_per_hour := _credits_per_hour(status, options)) is not None:
        title += f", {credits_per_hour:g} credits per hour"
    if status.unknown:
        title += f", {status.unknown} seats held until a sweep"
    if status.orphans:
        title += f", {status.orphans} sessions unnamed"
    if ended:
        title += f"; {ended}"
    table = Table(title=Text(title), title_justify="left")
    for column in ("job", "bot", "state", "since", "session", "worker", "lease"):
        table.add_column(column, no_wrap=column in ("since", "lease"))
    for seat in sorted(status.seats, key=lambda one: one.job.seated_at or 0.0):
        job = seat.job
        since = status.now - (job.talking_at or job.seated_at or status.now)
        lease = f"{seat.lease:.0f} s" if seat.lease > 0 else "ended"
        cells = (job.id, job.bot, job.state, f"{since:.0f} s", job.session_id, job.worker, lease)
        table.add_row(*(Text(cell or "") for cell in cells))
    return table


def _credits_per_hour(status: FleetStatus, options: FleetOptions) -> float | None:
    price = options.credits_per_hour
    return None if price is None else price * len(status.seats)
