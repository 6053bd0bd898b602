"""Waiting for what needs no time."""

from __future__ import annotations

import asyncio

__all__ = ["settle"]


async def settle() -> None:
    """Lets tasks that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)
