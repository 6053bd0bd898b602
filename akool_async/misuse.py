"""Errors for what an object can't do, which say what to write in its place.

Python's own text names the class and the operation. Used where a slip is likely, as `for` in place
of `async for`. Type checkers aren't shown these methods: they report such lines as before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

__all__ = ["refused"]


def refused(message: str) -> Callable[..., NoReturn]:
    """A special method that raises `TypeError` with this message."""

    def method(*_args: Any, **_options: Any) -> NoReturn:
        raise TypeError(message)

    return method
