"""Fixtures of the frameworks' tests: a simulated service whose sessions all end, and its client.

They are imported into a conftest.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from akool_async import AkoolClient
from akool_async.simulator import Simulator

__all__ = ["akool", "sim"]


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as sim:
        yield sim
        assert sim.open_sessions == []


@pytest_asyncio.fixture
async def akool(sim: Simulator) -> AsyncIterator[AkoolClient]:
    async with AkoolClient("any", base_url=sim.url) as client:
        yield client
