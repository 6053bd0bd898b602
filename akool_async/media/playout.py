"""Waiting, with a limit, until what was written to a track of one's own was played."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from akool_async.errors import SendError
from akool_async.media.contract import AudioWriter

__all__ = ["wait_played"]

#: Seconds that playing may take longer than what is queued lasts.
_MARGIN: Final = 5.0


async def wait_played(writer: AudioWriter, written: Callable[[], int]) -> None:
    """Returns when everything written was played, or dropped.

    Args:
        writer: the track's.
        written: how much was written so far: while that grows, there is more to play.

    Raises:
        SendError: it wasn't, 5 s after it should have been.
    """
    while True:
        before, seconds = written(), writer.queued + _MARGIN
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                await writer.wait_for_playout()
        except TimeoutError as error:
            if not limit.expired():
                raise
            if written() == before:
                text = f"the room didn't play what was written within {seconds:.1f} s"
                raise SendError(text, retryable=False) from error
        else:
            return
