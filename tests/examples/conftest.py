"""An example in a process of its own, against the test's simulator, unchanged but for the URL."""

from __future__ import annotations

import os
from pathlib import Path

import pytest_asyncio
from running_command import Command, sigint_for_children

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest_asyncio.fixture
async def example(akool_simulator, python):
    """`await example("echo_bot.py", …)` starts it; it is ended with the test."""
    started = []

    async def start(name: str, *arguments: str, key: str | None = "key", **more: str) -> Command:
        environment = dict(os.environ) | {"PYTHONUNBUFFERED": "1"} | more
        if key is not None:
            environment |= {"AKOOL_API_URL": akool_simulator.url, "AKOOL_API_KEY": key}
        process = await python(str(EXAMPLES / name), *arguments, env=environment)
        command = Command(process)
        started.append(command)
        return command

    with sigint_for_children():
        yield start
    for command in started:
        await command.stop()
