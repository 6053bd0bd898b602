"""The simulator in one process, an ordinary program in another, and AKOOL_API_URL between them."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from running_command import Command

#: The programs have their own clocks.
pytestmark = pytest.mark.real_clock

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


@pytest_asyncio.fixture
async def start(python: Any) -> AsyncIterator[Callable[..., Awaitable[Command]]]:
    """`await start("program.py", …, NAME="value")`: a process of its own, ended with the test."""
    started: list[Command] = []

    async def start(*arguments: str, **environment: str) -> Command:
        unbuffered = os.environ | {"PYTHONUNBUFFERED": "1"} | environment
        started.append(Command(await python(*arguments, env=unbuffered)))
        return started[-1]

    yield start
    for one in started:
        await one.stop()


async def test_a_conversation_between_processes(start: Any, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM, encoding="utf-8")
    simulator = await start("-m", "akool_async", "simulator", "--port", "0")
    await simulator.printed("Ctrl-C ends it.")
    url = simulator.output.partition("AKOOL_API_URL=")[2].split()[0]
    for kind in ("agora", "trtc"):
        program = await start(str(file), kind, AKOOL_API_URL=url, AKOOL_API_KEY="any")
        assert await program.ended() == 0, program.errors
        expected = ["Hello! How can I assist you today?", "0 left open"]
        assert program.output.splitlines() == expected


async def test_the_example_of_an_engine_runs(start: Any) -> None:
    example = await start(str(EXAMPLE))
    assert await example.ended() == 0, example.errors
    assert example.output.splitlines() == [
        """heard b'{"v":2,"type":"chat"}'""",
        "1 sent, 1 received",
    ]
