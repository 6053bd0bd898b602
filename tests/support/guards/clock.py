"""Chooses each async test's event loop: one with a virtual clock for what happens in one process.

Tests in some folders get it by their place; others by the mark `virtual_clock`. The mark
`real_clock` takes it away again; what uses LiveKit's client needs that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from virtual_clock import VirtualClockLoop

__all__: list[str] = []

_ROOT = Path(__file__).parents[3]
_FOLDERS = {
    _ROOT / "transports" / "chatroom" / "tests",
    *(
        _ROOT / "tests" / name
        for name in ("agora_trtc", "chatroom", "conversation", "resources", "rest")
    ),
}


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marks known."""
    config.addinivalue_line("markers", "virtual_clock: waiting costs this test no time")
    config.addinivalue_line("markers", "real_clock: this test needs the machine's clock")


@pytest.hookimpl
def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """One loop for each test, so no test's id shows it."""
    del config
    virtual = not _FOLDERS.isdisjoint(item.path.parents) or item.get_closest_marker("virtual_clock")
    if virtual and not item.get_closest_marker("real_clock"):
        return {"virtual": VirtualClockLoop}
    return {"real": asyncio.new_event_loop}
