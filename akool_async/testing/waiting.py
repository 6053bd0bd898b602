"""Waits for a condition, in a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

__all__ = ["TIMEOUT", "until"]

#: Seconds after which something that should happen is taken to have failed. Far longer than
#: anything takes, so that a busy machine fails no test.
TIMEOUT: Final = 30.0


async def until(
    condition: Callable[[], object], what: str | None = None, *, timeout: float = TIMEOUT
) -> None:
    """Returns once `condition()` is true; it is asked every five milliseconds.

    Args:
        condition: called without arguments.
        what: what is waited for, for the error's message.
        timeout: in seconds.

    Raises:
        TimeoutError: it wasn't true within `timeout` seconds.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    while not condition():
        if loop.time() >= end:
            raise TimeoutError(f"waited {timeout:g} s for {what or 'a condition'}")
        await asyncio.sleep(0.005)
