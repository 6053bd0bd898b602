"""A uvicorn on loopback, in the test's own event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

__all__ = ["uvicorn_server"]


@asynccontextmanager
async def uvicorn_server(app: Any) -> AsyncIterator[str]:
    """Serves an ASGI application, its lifespan included; gives "http://127.0.0.1:PORT"."""
    config = uvicorn.Config(app, ws="websockets-sansio", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    try:
        serving = asyncio.create_task(server.serve([listening]), name="uvicorn")
        try:
            async with asyncio.timeout(20):
                while not server.started and not serving.done():
                    await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
    finally:
        listening.close()
