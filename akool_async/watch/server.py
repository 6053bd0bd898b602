"""The page on a port of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from akool_async.conversation import AvatarSession
from akool_async.validation import whole
from akool_async.watch.page import WatchPage

__all__ = ["serve"]


@asynccontextmanager
async def serve(
    avatar: AvatarSession,
    *,
    port: int = 0,
    livekit_client: str | Path | None = None,
    microphone: bool = True,
    spent: Callable[[], Awaitable[float | None]] | None = None,
) -> AsyncIterator[str]:
    """Serves the page on 127.0.0.1 and gives a link to it, good for one browser.

    Args:
        avatar: the conversation.
        port: 0: a free one.
        livekit_client: as for `WatchPage`.
        microphone: as for `WatchPage`.
        spent: as for `WatchPage`.

    Raises:
        As `WatchPage`; OSError: the port is in use.
    """
    whole("port", port, 0, 65_535)
    page = WatchPage(avatar, livekit_client=livekit_client, microphone=microphone, spent=spent)
    runner = web.AppRunner(page.aiohttp_app(), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield page.link(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    finally:
        await runner.cleanup()
