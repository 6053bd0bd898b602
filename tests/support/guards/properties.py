"""Tests of properties (hypothesis) take the same examples in every run, without a deadline."""

from __future__ import annotations

from pathlib import Path

import pytest

__all__: list[str] = []


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """Sets hypothesis up before the first module that uses it; others don't pay for its import."""
    del parent
    if b"hypothesis" in module_path.read_bytes():
        import hypothesis

        hypothesis.settings.register_profile(
            "pinned", derandomize=True, deadline=None, print_blob=True
        )
        hypothesis.settings.load_profile("pinned")
