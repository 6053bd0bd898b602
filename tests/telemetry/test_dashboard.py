"""The dashboard, the guide and the code have the same names."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import akool_async
from akool_async.conversation.meter import _COUNTS

UNITS = import_module("akool_async.telemetry.open_telemetry")._UNITS
CODE = Path(akool_async.__file__).parent
DOCS = CODE.parent / "docs"
#: How a name is given to a `Meter`, or to what stands in its place.
DURATIONS = re.compile(r'\.(?:duration|span|measured)\(\s*"([a-z_.]+)"')


def measured() -> set[str]:
    """Durations of the code."""
    texts = [
        file.read_text()
        for part in ("conversation", "media")
        for file in sorted((CODE / part).rglob("*.py"))
    ]
    texts.append((CODE / "opening_attempt.py").read_text())
    return {f"akool.{name}" for text in texts for name in DURATIONS.findall(text)}


def documented() -> set[str]:
    """Durations of the guide's two tables."""
    return set(
        re.findall(r"^\| `(akool[a-z_.]*)`", (DOCS / "telemetry.md").read_text(), re.MULTILINE)
    )


def test_the_guide_has_every_duration_of_the_code_and_no_other():
    assert documented() == measured()


def test_the_guide_has_every_count_of_the_code():
    guide = (DOCS / "telemetry.md").read_text()
    assert {f"akool.{name}" for name in _COUNTS} <= UNITS.keys()
    assert [name for name in UNITS if f"`{name}`" not in guide] == []


def test_the_dashboard_asks_for_what_prometheus_has():
    durations = {*measured(), "http.client.request.duration"}
    series = {
        f"{name.replace('.', '_')}_seconds{end}"
        for name in durations
        for end in ("_bucket", "_count", "_sum")
    }
    series |= {
        f"{name.replace('.', '_')}{'_bytes' if unit == 'By' else ''}_total"
        for name, unit in UNITS.items()
    }
    board = json.loads((DOCS / "telemetry-dashboard.json").read_text())
    asked: set[str] = set()
    for panel in board["panels"]:
        for target in panel["targets"]:
            asked.update(re.findall(r"\b(?:akool|http_client)_[a-z_]+(?=\[)", target["expr"]))
    assert asked - series == set()
    assert len(asked) >= 20
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
