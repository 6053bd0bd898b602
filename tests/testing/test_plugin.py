"""The public pytest plugin, in a pytest of its own, as a user's project has it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def _pytest(folder: Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(code)
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        command, check=False, cwd=folder, capture_output=True, text=True, timeout=120
    )


def test_a_client_of_a_simulator_with_options(tmp_path: Path) -> None:
    ran = _pytest(
        tmp_path,
        """
import pytest

@pytest.fixture
def akool_simulator_options():
    return {"credits": 60}

async def test_one(akool_client, akool_simulator):
    session = await akool_client.sessions.create(
        "dvp_Tristan_cloth2_1080P", stream_type="agora", duration=60
    )
    assert akool_simulator.credits_left == 0
    await akool_client.sessions.close(session.id)
    assert akool_simulator.credits_left > 50
""",
    )
    assert "1 passed" in ran.stdout, ran.stdout


def test_a_session_left_open_fails_the_test(tmp_path: Path) -> None:
    ran = _pytest(
        tmp_path,
        """
async def test_one(akool_client):
    await akool_client.sessions.create("dvp_Tristan_cloth2_1080P", stream_type="agora")
""",
    )
    assert "1 session(s) left open" in ran.stdout, ran.stdout
    assert ran.returncode == 1


def test_unused_it_loads_neither_the_simulator_nor_vendors(tmp_path: Path) -> None:
    ran = _pytest(
        tmp_path,
        """
import sys

def test_one(request):
    assert request.config.pluginmanager.hasplugin("akool_async.testing.plugin")
    ours = {"akool_async.simulator", "akool_async.testing.in_memory_room"}
    names = ours | {"aiortc", "livekit", "av"}
    assert not names & set(sys.modules)
""",
        "-p",
        "akool_async.testing.plugin",
        "-p",
        "no:akool_async",
    )
    assert "1 passed" in ran.stdout, ran.stdout
