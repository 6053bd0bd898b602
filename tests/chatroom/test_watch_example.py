"""`examples/watch_legacy.py`, with a stand-in for ffplay that notes what it was given."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "watch_legacy.py"


async def run(simulator, *arguments: str, path: str = "") -> str:
    environment = dict(os.environ) | {"AKOOL_API_URL": simulator.url, "AKOOL_API_KEY": "key"}
    if path:
        environment["PATH"] = path + os.pathsep + environment["PATH"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLE),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def test_prints_the_command_and_talks(akool_simulator):
    output = await run(akool_simulator)
    [session] = akool_simulator.sessions.values()
    assert f"low_delay -loglevel error {session.access['client_pull_stream_url']}\n" in output
    assert "> Hello\nHello! How can I assist you today?\n" in output
    assert "close the player" not in output


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")
async def test_plays_the_stream(akool_simulator, tmp_path):
    player = tmp_path / "ffplay"
    player.write_text(f'#!/bin/sh\nfor last; do :; done\nprintf %s "$last" > {tmp_path}/played\n')
    player.chmod(0o755)
    output = await run(akool_simulator, "--play", path=str(tmp_path))
    [session] = akool_simulator.sessions.values()
    assert (tmp_path / "played").read_text() == session.access["client_pull_stream_url"]
    assert "close the player" in output
