"""Lets the processes of pytest-xdist find the tests from different places on.

Each of them imports all test modules. Who imports a module first compiles it, which costs more than
all the rest of finding its tests. Beginning at the same place, all of them would compile all.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

__all__: list[str] = []


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Iterator[None]:
    """Turns the order in which a folder's files and folders are looked through."""
    report: pytest.CollectReport = yield
    place = getattr(collector.config, "workerinput", None)
    if place is not None and isinstance(collector, pytest.Directory):
        number, workers = int(place["workerid"].removeprefix("gw")), place["workercount"]
        found = list(report.result)
        first = len(found) * number // workers
        report.result = found[first:] + found[:first]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the modules' tests into the order that is the same for all processes."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.path.parts)
