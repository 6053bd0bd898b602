"""Optional packages, imported when they are needed first."""

from __future__ import annotations

import importlib
from typing import Any

from akool_async.errors import MissingDependencyError

__all__ = ["av", "numpy"]


def numpy() -> Any:
    """Raises `MissingDependencyError` where it isn't installed."""
    return _imported("numpy", "numpy", "sound")


def av() -> Any:
    """PyAV. Raises `MissingDependencyError` where it isn't installed."""
    return _imported("av", "PyAV", "record")


def _imported(module: str, name: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"{name} isn't installed.", install=f'pip install "akool-async[{extra}]"'
        ) from error
