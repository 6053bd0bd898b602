"""The fleet's state as a table for people."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

from akool_fleet.ledger import FleetStatus
from akool_fleet.options import FleetOptions
from akool_fleet.table import fleet_object, fleet_table
from rich.console import Console

NOTHING: dict[str, Any] = {
    "now": 1000.0,
    "waiting": 0,
    "seats": (),
    "unknown": 0,
    "orphans": 0,
    "workers": {},
    "jobs": {},
}


def options_of(*, credits_per_hour: float | None = None) -> FleetOptions:
    return FleetOptions.checked(
        url="redis://127.0.0.1:1",
        name="calls",
        limit=10,
        max_session=600,
        account="exclusive",
        lease=30.0,
        create_time=60.0,
        sweep_every=60.0,
        sessions_per_process=25,
        joins_at_once=5,
        drain_timeout=300.0,
        keep=86_400.0,
        credits_per_hour=credits_per_hour,
    )


def shown(*, credits_per_hour: float | None = None, **changed: Any) -> str:
    options = options_of(credits_per_hour=credits_per_hour)
    out = StringIO()
    status = FleetStatus(**{**NOTHING, **changed})
    Console(file=out, width=200).print(fleet_table(status, options))
    return " ".join(out.getvalue().split())  # long titles are wrapped


def test_counts_are_in_the_title() -> None:
    text = shown(waiting=3, workers={"w1": 5.0, "w2": 5.0})
    assert "fleet calls: 3 waiting, 0 of 10 seats, 2 workers" in text
    for part in ("credits", "held until a sweep", "unnamed", "done"):
        assert part not in text


def test_what_there_is_more_is_named() -> None:
    jobs = {"done": 4, "failed": 0, "cut_off": 2}
    text = shown(credits_per_hour=12.5, unknown=1, orphans=2, jobs=jobs)
    assert "0 credits per hour" in text
    assert "1 seats held until a sweep" in text
    assert "2 sessions unnamed" in text
    assert "; 4 done, 2 cut off" in text
    assert "failed" not in text


def test_the_same_for_programs() -> None:
    for price, expected in ((None, None), (12.5, 0.0)):
        options = options_of(credits_per_hour=price)
        found = json.loads(json.dumps(fleet_object(FleetStatus(**NOTHING), options)))
        assert (found["name"], found["limit"]) == ("calls", 10)
        assert found["credits_per_hour"] == expected
        assert found["waiting"] == 0
