"""The list of modules without a test module of their path."""

from __future__ import annotations

from pathlib import Path

import pytest
from mirror import ELSEWHERE, ROOT, untested


def test_it_names_each_module_that_has_no_test_module(tmp_path: Path) -> None:
    for name in (
        "akool_async/__init__.py",
        "akool_async/client.py",
        "akool_async/rest/retry.py",
        "akool_async/rest/pages.py",
        "tests/test_client.py",
        "tests/rest/test_pages.py",
        "tests/test_retry.py",
        "transports/tin/akool_tin/wire.py",
        "transports/tin/akool_tin/errors.py",
        "transports/tin/tests/test_errors.py",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("def f():\n    return 1\n", encoding="utf-8")
    assert untested(tmp_path) == ["akool_async/rest/retry.py", "transports/tin/akool_tin/wire.py"]
    (tmp_path / "tests/rest/test_retry.py").touch()
    assert untested(tmp_path) == ["transports/tin/akool_tin/wire.py"]


@pytest.mark.parametrize(
    ("code", "listed"),
    [
        ("LIMIT = 5\n", False),
        ('class Port(Protocol):\n    def send(self) -> None:\n        """Sends."""\n', False),
        ("class Port(Protocol):\n    async def send(self) -> None: ...\n", False),
        ("class Names:\n    def first(self): return self.names[0]\n", True),
        ("first = lambda names: names[0]\n", True),
        ("async def wait(one):\n    await one\n", True),
    ],
)
def test_a_module_in_which_nothing_is_done_needs_none(
    tmp_path: Path, code: str, listed: bool
) -> None:
    module = tmp_path / "akool_async" / "port.py"
    module.parent.mkdir()
    module.write_text(code, encoding="utf-8")
    assert untested(tmp_path) == ["akool_async/port.py"] * listed


def test_a_module_tested_elsewhere_needs_that_module(tmp_path: Path) -> None:
    for name, tests in ELSEWHERE.items():
        assert (ROOT / name).exists()
        assert (ROOT / tests).exists()
        module = tmp_path / name
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text("def f():\n    return 1\n", encoding="utf-8")
    assert set(untested(tmp_path)) == set(ELSEWHERE)
    for tests in ELSEWHERE.values():
        (tmp_path / tests).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / tests).touch()
    assert untested(tmp_path) == []
