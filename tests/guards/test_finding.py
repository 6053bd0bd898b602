"""Processes find the same tests in the same order, each from a place of its own on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

#: What pytest-xdist says to its processes.
AS_WORKER = """
    import pytest

    pytest_plugins = ["guards.finding"]

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(config):
        config.workerinput = {{"workerid": "gw{number}", "workercount": 3}}
    """
MODULE = "print('imported', __name__)\ndef test_b(): pass\ndef test_a(): pass\n"
#: In the order of pytest.
PATHS = ("test_1.py", "test_2.py", "test_3/test_a.py", "test_3/test_b.py", "test_4.py", "test_5.py")


@pytest.mark.parametrize(("number", "begins_with"), [(0, "test_1"), (1, "test_2"), (2, "test_4")])
def test_where_a_process_begins(
    inner_pytest: Callable[..., pytest.RunResult],
    pytester: pytest.Pytester,
    number: int,
    begins_with: str,
) -> None:
    pytester.makeconftest(AS_WORKER.format(number=number))
    for path in PATHS:
        file = pytester.path / "tests" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(MODULE, encoding="utf-8")
    options = ("-p", "no:xdist", "-p", "no:asyncio", "--import-mode=importlib")
    found = inner_pytest(*options, "--collect-only", "-q", "-s", "tests")
    imported = [line for line in found.outlines if line.startswith("imported ")]
    assert len(imported) == len(PATHS)
    assert imported[0] == f"imported tests.{begins_with}"
    tests = [line for line in found.outlines if "::" in line]
    assert tests == [f"tests/{path}::{test}" for path in PATHS for test in ("test_b", "test_a")]
