"""Where tests find Chromium and the livekit-client's file, and how they start the browser."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

__all__ = ["CLIENTS", "NEEDS_A_BROWSER", "browser"]

CHROMIUM: Final = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
#: Files of the livekit-client package, as `npm pack` has them; several versions may be named.
CLIENTS: Final = [
    Path(path) for path in os.environ.get("AKOOL_LIVEKIT_CLIENT", "").split(os.pathsep) if path
]
#: Without some of these it looks up hosts of its maker at every start.
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
#: The marks of a test module.
NEEDS_A_BROWSER: Final = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(not CLIENTS, reason="AKOOL_LIVEKIT_CLIENT names no livekit-client.umd.js"),
]


@asynccontextmanager
async def browser(url: str, profile: Path, *flags: str) -> AsyncIterator[None]:
    """Chromium with that page open, in a process group of its own."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *_FLAGS,
        *flags,
        f"--user-data-dir={profile}",
        url,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
