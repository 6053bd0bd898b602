"""Optional packages, imported when they are needed first."""

from __future__ import annotations

import importlib
from typing import Any

from akool_async.errors import MissingDependencyError

__all__ = ["av", "numpy"]


def numpy(extra: str = "sound") -> Any:
    """Raises `MissingDependencyError`, which names the extra, where it isn't installed."""
    return _imported("numpy", "numpy", extra)


def av(extra: str = "record") -> Any:
    """PyAV. Raises `MissingDependencyError`, which names the extra, where it isn't installed."""
    return _imported("av", "PyAV", extra)


def _imported(module: str, name: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"{name} isn't installed.", install=f'pip install "akool-async[{extra}]"'
        ) from error
