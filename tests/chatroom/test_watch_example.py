"""`examples/watch_legacy.py`, with a stand-in for ffplay that notes what it was given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from running_command import Command

EXAMPLE = Path(__file__).parents[2] / "examples" / "watch_legacy.py"

#: The program has its own clock.
pytestmark = pytest.mark.real_clock


@pytest.fixture
def run(python, akool_simulator):
    """`await run("--option")`: what the example printed."""

    async def run(*arguments: str, path: str = "") -> str:
        environment = dict(os.environ)
        environment |= {"AKOOL_API_URL": akool_simulator.url, "AKOOL_API_KEY": "key"}
        if path:
            environment["PATH"] = path + os.pathsep + environment["PATH"]
        example = Command(await python(str(EXAMPLE), *arguments, env=environment))
        try:
            assert await example.ended() == 0, example.errors
        finally:
            await example.stop()
        return example.output

    return run


async def test_prints_the_command_and_talks(run, akool_simulator):
    output = await run()
    [session] = akool_simulator.sessions.values()
    assert f"low_delay -loglevel error {session.access['client_pull_stream_url']}\n" in output
    assert "> Hello\nHello! How can I assist you today?\n" in output
    assert "close the player" not in output


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")
async def test_plays_the_stream(run, akool_simulator, tmp_path):
    player = tmp_path / "ffplay"
    player.write_text(f'#!/bin/sh\nfor last; do :; done\nprintf %s "$last" > {tmp_path}/played\n')
    player.chmod(0o755)
    output = await run("--play", path=str(tmp_path))
    [session] = akool_simulator.sessions.values()
    assert (tmp_path / "played").read_text() == session.access["client_pull_stream_url"]
    assert "close the player" in output
