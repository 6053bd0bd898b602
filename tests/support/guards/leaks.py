"""Fails a test that leaves something behind: a task, a thread, a socket, an open session.

Each is waited for, by condition and with a generous limit: asyncio and aiohttp finish some of their
closing a few turns of the loop later.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import socket
import sys
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

__all__: list[str] = []

#: Seconds that what is closing may take, on a busy machine.
SETTLE = 5.0

_sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def pytest_configure(config: pytest.Config) -> None:
    """Knows every socket of the run from its making."""
    config.addinivalue_line("markers", "leaves_sessions_open: is about sessions that no one closes")
    patch = pytest.MonkeyPatch()
    init = socket.socket.__init__

    def remembering(self: socket.socket, *args: Any, **named: Any) -> None:
        init(self, *args, **named)
        _sockets.add(self)

    patch.setattr(socket.socket, "__init__", remembering)
    config.add_cleanup(patch.undo)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the guard of tasks around async tests only: it needs their loop."""
    for item in items:
        function = getattr(item, "function", None)
        if function is not None and inspect.iscoroutinefunction(inspect.unwrap(function)):
            names = item.fixturenames  # type: ignore[attr-defined]
            if "no_task_left" not in names:
                names.insert(_first_of_the_function(item), "no_task_left")


def _first_of_the_function(item: pytest.Item) -> int:
    """Where a test's own fixtures begin: those of its module and of the run stay before them."""
    known = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
    names = item.fixturenames  # type: ignore[attr-defined]
    scopes = [known[name][-1].scope if name in known else "function" for name in names]
    return scopes.index("function") if "function" in scopes else len(scopes)


def _wait(left: Callable[[], list[Any]]) -> list[Any]:
    limit = time.monotonic() + SETTLE
    found = left()
    while found and time.monotonic() < limit:
        gc.collect()
        time.sleep(0.02)
        found = left()
    return found


@pytest.fixture(autouse=True)
def nothing_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test that leaves a thread or a socket; looks once its loop is closed."""
    threads = set(threading.enumerate())
    sockets = set(_sockets)
    yield

    def left_threads() -> list[threading.Thread]:
        return [
            thread
            for thread in threading.enumerate()
            # A dummy stands for a native thread that called into Python; it has no end.
            if thread not in threads and not isinstance(thread, threading._DummyThread)
        ]

    def left_sockets() -> list[socket.socket]:
        return [one for one in list(_sockets) if one not in sockets and one.fileno() != -1]

    still = _wait(left_threads)
    if still:
        pytest.fail(f"left running: {', '.join(map(repr, still))}", pytrace=False)
    open_ones = _wait(left_sockets)
    if open_ones:
        shown = ", ".join(map(repr, open_ones))
        for one in open_ones:
            # So that only this test fails because of it.
            one.close()
        pytest.fail(f"left open: {shown}", pytrace=False)


@pytest_asyncio.fixture
async def no_task_left(nothing_left_open: None) -> AsyncIterator[None]:
    """Fails the async test that leaves a task; set up before all other async fixtures."""
    before = asyncio.all_tasks()
    yield
    own = asyncio.current_task()
    limit = time.monotonic() + SETTLE
    while True:
        left = [task for task in asyncio.all_tasks() if task is not own and task not in before]
        if not left or time.monotonic() >= limit:
            break
        await asyncio.sleep(0.005)
    if left:
        pytest.fail(f"left running: {', '.join(map(repr, left))}", pytrace=False)


@pytest.fixture(autouse=True)
def no_session_left_open(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Fails the test at whose end a simulator had open sessions: on the service they'd cost.

    Tests of the simulator itself, and those marked `leaves_sessions_open`, may leave some.
    """
    module = sys.modules.get("akool_async.simulator.server")
    about_it = "simulator" in request.path.parts or request.node.get_closest_marker(
        "leaves_sessions_open"
    )
    if module is None or about_it:
        yield
        return
    left: list[str] = []
    stop = module.Simulator.stop

    async def looking(self: Any) -> None:
        left.extend(session.id for session in self.open_sessions)
        await stop(self)

    monkeypatch.setattr(module.Simulator, "stop", looking)
    yield
    if left:
        pytest.fail(f"sessions left open: {', '.join(left)}", pytrace=False)
