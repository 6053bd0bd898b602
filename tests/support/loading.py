"""Python files that are in no package, as modules."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

__all__ = ["EXAMPLES", "load"]

EXAMPLES = Path(__file__).parents[2] / "examples"


def load(path: Path, *, name: str | None = None) -> ModuleType:
    """The module in a file, made afresh; its name is `name`, or that of the file.

    It is in `sys.modules` only with a `name`, for what looks it up there.
    """
    spec = importlib.util.spec_from_file_location(name or path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if name is not None:
        sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
