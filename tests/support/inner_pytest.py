"""Runs pytest on code of a test's own, in this process: a fresh one imports everything first."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from forked_programs import PRELOADED

__all__ = ["inner_pytest"]


class _Modules:
    """A plugin of inner runs that remembers what was imported in them: pytester forgets it all.

    Modules that are imported twice have classes of two kinds, and numpy refuses it.
    """

    def __init__(self) -> None:
        self._imported: dict[str, ModuleType] = {}
        self.folder = Path()

    def pytest_unconfigure(self) -> None:
        self._imported |= sys.modules

    def put_back(self) -> None:
        """All of them but the tests of the runs."""
        for name, module in self._imported.items():
            file = getattr(module, "__file__", None)
            if file is None or not Path(file).is_relative_to(self.folder):
                sys.modules.setdefault(name, module)


@pytest.fixture
def imported_modules() -> Iterator[_Modules]:
    """Is set up before pytester, and ends after it."""
    for name in PRELOADED:
        importlib.import_module(name)
    modules = _Modules()
    yield modules
    modules.put_back()


@pytest.fixture
def inner_pytest(
    imported_modules: _Modules, pytester: pytest.Pytester
) -> Callable[..., pytest.RunResult]:
    """`inner_pytest(*arguments)`: runs it in the folder of `pytester`, without our own guards."""

    imported_modules.folder = pytester.path

    def run(*arguments: str) -> pytest.RunResult:
        options = ("-p", "no:cacheprovider")
        return pytester.runpytest_inprocess(*options, *arguments, plugins=[imported_modules])

    return run
