"""Fixtures that start Python programs, for all tests."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping

import pytest
from fork_server import ForkedProcess, ForkServer

__all__ = ["Python", "fork_server", "python"]


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer | None]:
    """Starts Python programs without their imports' cost; `None` where processes can't fork."""
    if not hasattr(os, "fork"):
        yield None
        return
    server = ForkServer()
    server.start()
    yield server
    server.stop()


Python = Callable[..., Awaitable[ForkedProcess | asyncio.subprocess.Process]]


@pytest.fixture
def python(fork_server: ForkServer | None) -> Python:
    """`await python("-m", "a_module", "argument", env={…})`, or `python("program.py", …)`.

    A process of its own with pipes for its streams; `stdout` is a descriptor in place of one. It is
    forked, unless its environment says where to find modules: then it is a fresh interpreter.
    """

    async def start(
        *arguments: str, env: Mapping[str, str], stdout: int | None = None
    ) -> ForkedProcess | asyncio.subprocess.Process:
        if fork_server is not None and env.get("PYTHONPATH") == os.environ.get("PYTHONPATH"):
            return await fork_server.run(*arguments, env=env, stdout=stdout)
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=pipe,
            stdout=pipe if stdout is None else stdout,
            stderr=pipe,
            env=env,
        )

    return start
