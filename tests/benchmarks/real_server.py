"""A real livekit-server of a row's own, and a process with those whom the row meets there."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from real_livekit import RealServer, built, environment_for

from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from framework import Bench
from livekit_rooms import server


@asynccontextmanager
async def real_server(bench: Bench) -> AsyncIterator[LiveKitServer]:
    """The server, which is named in the environment as for the tests."""
    binary = built()
    if binary is None:
        bench.skip("no livekit-server could be built")
    with (
        tempfile.TemporaryDirectory(prefix="livekit-") as folder,
        RealServer(binary, Path(folder)) as real,
    ):
        os.environ.update(environment_for(real))
        yield server()


@asynccontextmanager
async def other_end(bench: Bench, script: Path, *arguments: str) -> AsyncIterator[None]:
    """A server, and a process that says "ready" and goes on until its input is closed."""
    async with real_server(bench):
        process = await asyncio.create_subprocess_exec(
            sys.executable, script, *arguments, stdin=PIPE, stdout=PIPE
        )
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            assert await process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.stdin.close()
            await process.wait()
