"""The list of modules without a test module of their path."""

from __future__ import annotations

from pathlib import Path

from mirror import untested


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
        file.touch()
    assert untested(tmp_path) == ["akool_async/rest/retry.py", "transports/tin/akool_tin/wire.py"]
    (tmp_path / "tests/rest/test_retry.py").touch()
    assert untested(tmp_path) == ["transports/tin/akool_tin/wire.py"]
