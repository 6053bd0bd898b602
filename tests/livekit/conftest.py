"""The real livekit-server that `tests/livekit/server.py` runs; without one its tests are left out.

`nox -s livekit` runs them, and fails where there can't be a server.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from livekit_peer import ServerPeer
from real_livekit import RealServer, server_from_environment

from akool_async.simulator.rooms.livekit_server.server import LiveKitServer

_numbers = itertools.count()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects what needs the server, where there is none."""
    if server_from_environment() is not None:
        return
    kept, left_out = [], []
    for item in items:
        (left_out if item.get_closest_marker("livekit_server") else kept).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


@pytest.fixture(scope="session")
def server() -> LiveKitServer:
    """The server that all tests of this run share."""
    known = server_from_environment()
    assert known is not None, "run by tests/livekit/server.py"
    return LiveKitServer(known.url, known.api_key, known.api_secret)


@pytest_asyncio.fixture
async def room(server: LiveKitServer) -> AsyncIterator[ServerPeer]:
    """A room of its own on it."""
    async with ServerPeer(server, f"room-{os.getpid()}-{next(_numbers)}") as room:
        yield room


@pytest.fixture
def mortal_server(tmp_path: Path) -> Iterator[RealServer]:
    """A server of this test's own, to be killed and started again."""
    known = server_from_environment()
    assert known is not None, "run by tests/livekit/server.py"
    with RealServer(known.binary, tmp_path) as server:
        yield server
