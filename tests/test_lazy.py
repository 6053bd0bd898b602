from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

PACKAGES = ["", ".conversation", ".media.recording", ".models", ".rooms"]


@pytest.mark.parametrize("package", [f"akool_async{name}" for name in PACKAGES])
def test_every_name_of_a_package_is_there(package: str) -> None:
    module = importlib.import_module(package)
    assert set(module.__all__) <= set(dir(module))
    assert all(getattr(module, name) is not None for name in module.__all__)
    with pytest.raises(AttributeError, match=rf"module '{package}' has no attribute 'nothing'"):
        module.nothing  # noqa: B018 - asking for it is the test


def test_a_module_is_imported_when_its_name_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "late"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from akool_async.lazy import lazy_names\n"
        "__all__ = ['ONE', 'TWO']\n"
        "__getattr__, __dir__ = lazy_names(__name__, {'one': ('ONE',), 'two': ('TWO',)})\n"
    )
    (package / "one.py").write_text("ONE = 1\n")
    (package / "two.py").write_text("TWO = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        late = importlib.import_module("late")
        assert {"ONE", "TWO"} <= set(dir(late))
        assert late.ONE == 1
        assert "late.one" in sys.modules
        assert "late.two" not in sys.modules
        assert "ONE" in vars(late)  # from now on it is looked up without us
    finally:
        for name in ("late", "late.one"):
            sys.modules.pop(name, None)
