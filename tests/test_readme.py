"""The README's program, as printed."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest
from running_command import Command

README = Path(__file__).parents[1] / "README.md"


def program() -> str:
    """The first Python block."""
    return blocks()[0]


def blocks() -> list[str]:
    """The Python blocks."""
    text = README.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


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


async def test_the_program_runs_as_printed(akool_simulator, python, tmp_path):
    file = tmp_path / "program.py"
    file.write_text(program(), encoding="utf-8")
    settings = {"AKOOL_API_URL": akool_simulator.url, "AKOOL_API_KEY": "any"}
    process = Command(await python(str(file), env=dict(os.environ) | settings))
    try:
        assert await process.ended() == 0, process.errors
    finally:
        await process.stop()
    assert process.output == "Hello! How can I assist you today?\n"
    assert [request.path.rpartition("/")[2] for request in akool_simulator.requests] == [
        "detail",
        "create",
        "close",
    ]
    assert not akool_simulator.open_sessions


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_the_test_of_a_bot_runs_as_printed(inner_pytest, pytester, mode):
    (sample,) = [block for block in blocks() if "def test_" in block]
    pytester.makepyfile(test_bot=sample)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    result = inner_pytest("--asyncio-mode", mode)
    result.assert_outcomes(passed=1)


def test_every_block_is_run():
    assert [("def test_" in block) for block in blocks()] == [False, True]


def test_every_extra_is_part_of_all_and_named():
    extras = tomllib.loads((README.parent / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]["optional-dependencies"]
    (everything,) = extras.pop("all")
    assert everything == f"akool-async[{','.join(sorted(extras, key=everything.index))}]"
    text = README.read_text(encoding="utf-8")
    for extra in extras:
        assert f"`{extra}`" in text
    for folder in sorted((README.parent / "transports").iterdir()):
        assert f" ./transports/{folder.name}" in text, "the line that installs from a clone"


def test_the_two_commands_are_there():
    text = README.read_text(encoding="utf-8")
    assert re.search(r"^ *pip install uv && uv run akool demo$", text, re.MULTILINE)
    assert re.search(r"^ *pip install uv && uv run nox -s tests$", text, re.MULTILINE)
