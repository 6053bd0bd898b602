"""Errors and warnings for a program's mistakes, which say what to write in its place.

Python's own text names the class and the operation. Used where a slip is likely, as `for` in place
of `async for`. Type checkers aren't shown these methods: they report such lines as before.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

__all__ = ["refused", "warn"]


def refused(message: str) -> Callable[..., NoReturn]:
    """A special method that raises `TypeError` with this message."""

    def method(*_args: Any, **_options: Any) -> NoReturn:
        raise TypeError(message)

    return method


def warn(text: str) -> None:
    """Gives a `RuntimeWarning`, which is seen without any logging set up, at the caller's caller.

    Never raises: with `python -W error` the event loop's exception handler gets it, because what
    is under way, above all the end of a session, mustn't break by it.
    """
    try:
        warnings.warn(text, RuntimeWarning, stacklevel=3)
    except RuntimeWarning as warning:
        asyncio.get_running_loop().call_exception_handler({"message": text, "exception": warning})
