"""The README's program, as printed."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def program() -> str:
    """The first Python block."""
    found = re.search(
        r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert found, "the README has no program"
    return found.group(1)


def test_it_is_the_conversation_in_ten_lines():
    text = program()
    for line in (
        "from akool_async import AkoolClient",
        "async with AkoolClient() as akool:",
        'akool.open_session("dvp_Tristan_cloth2_1080P", stream_type="livekit") as avatar:',
        'await avatar.set_params(mode=2, language="en")',
        'reply = await avatar.ask("Hello")',
        "print(reply.text)",
    ):
        assert line in text


async def test_the_program_runs_as_printed(akool_simulator, tmp_path):
    file = tmp_path / "program.py"
    file.write_text(program(), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(file),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(os.environ) | {"AKOOL_API_URL": akool_simulator.url, "AKOOL_API_KEY": "any"},
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    assert output.decode() == "Hello! How can I assist you today?\n"
    assert [request.path.rpartition("/")[2] for request in akool_simulator.requests] == [
        "create",
        "close",
    ]
    assert not akool_simulator.open_sessions


def test_the_two_commands_are_there():
    text = README.read_text(encoding="utf-8")
    assert re.search(r"^ *pip install uv && uv run akool demo$", text, re.MULTILINE)
    assert re.search(r"^ *pip install uv && uv run nox -s tests$", text, re.MULTILINE)
