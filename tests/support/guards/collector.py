"""Keeps the garbage collector from looking through what lives as long as the run.

Thousands of tests and what their modules import are found once, and never become garbage.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

__all__: list[str] = []


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collects nothing while the tests are found, and leaves them out from then on."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
