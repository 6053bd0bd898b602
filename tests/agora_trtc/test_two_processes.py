"""The simulator in one process, an ordinary program in another, and AKOOL_API_URL between them."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

TIMEOUT = 60
PROGRAM = """
import asyncio, sys
from akool_async import AkoolClient

async def main() -> None:
    async with AkoolClient() as akool:
        name = "dvp_Tristan_cloth2_1080P"
        async with akool.open_session(name, stream_type=sys.argv[1]) as avatar:
            await avatar.set_params(mode=2, language="en")
            print((await avatar.ask("Hello")).text)
            await avatar.interrupt()
        print(len([s async for s in akool.sessions.list(status=2)]), "left open")

asyncio.run(main())
"""
EXAMPLE = Path(__file__).parents[2] / "examples" / "trtc_engine.py"


@asynccontextmanager
async def running(*arguments: str, **environment: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=PIPE, stderr=PIPE, env={**os.environ, **environment}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(TIMEOUT):
            await process.communicate()


async def output(*arguments: str, **environment: str) -> str:
    async with running(*arguments, **environment) as process, asyncio.timeout(TIMEOUT):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.slow
async def test_a_conversation_between_processes() -> None:
    async with running("-m", "akool_async", "simulator", "--port", "0") as simulator:
        assert simulator.stdout is not None
        async with asyncio.timeout(TIMEOUT):
            line = (await simulator.stdout.readline()).decode()
        url = line.partition("AKOOL_API_URL=")[2].split()[0]
        for kind in ("agora", "trtc"):
            said = await output("-c", PROGRAM, kind, AKOOL_API_URL=url, AKOOL_API_KEY="any")
            assert said.splitlines() == ["Hello! How can I assist you today?", "0 left open"]


async def test_the_example_of_an_engine_runs() -> None:
    said = await output(str(EXAMPLE))
    assert said.splitlines() == [
        """heard b'{"v":2,"type":"chat"}'""",
        "1 sent, 1 received",
    ]
