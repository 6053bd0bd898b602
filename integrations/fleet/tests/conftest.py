"""A real server for every test of the fleet, and fleets of a name of their own on it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from akool_fleet import Fleet
from akool_fleet.broker import GROUP
from akool_fleet.ledger import Ledger, declare_group
from akool_fleet.server import LocalServer

_names = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def make_fleet(server: LocalServer) -> Callable[..., Fleet]:
    def make(**options: Any) -> Fleet:
        defaults: dict[str, Any] = {"limit": 3, "name": f"test-{next(_names)}"}
        return Fleet(options.pop("url", server.url), **{**defaults, **options})

    return make


@pytest.fixture
async def ledger(make_fleet: Callable[..., Fleet]) -> AsyncIterator[Ledger]:
    ledger = make_fleet().make_ledger()
    await declare_group(ledger.redis, ledger.queue, GROUP)
    yield ledger
    await ledger.aclose()
