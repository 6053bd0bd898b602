"""The `akool` command in a process of its own, as a person runs it."""

from __future__ import annotations

import os

import pytest_asyncio
from running_command import Command, sigint_for_children


@pytest_asyncio.fixture
async def akool(python):
    """`await akool("avatars", url=…)` starts the command; it is ended with the test."""
    started = []

    async def start(*arguments: str, url: str | None = None, key: str | None = "key", **more: str):
        environment = dict(os.environ) | {"NO_COLOR": "1", "PYTHONUNBUFFERED": "1"} | more
        if url:
            environment["AKOOL_API_URL"] = url
        if key:
            environment["AKOOL_API_KEY"] = key
        process = await python("-m", "akool_async", *arguments, env=environment)
        command = Command(process)
        started.append(command)
        return command

    with sigint_for_children():
        yield start
    for command in started:
        await command.stop()
