"""What a type checker says about programs that open sessions: editors complete by the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
import akool_async
from akool_async import AkoolClient, AvatarSession


async def main() -> None:
    async with AkoolClient() as akool:
        async with akool.open_session("a", stream_type="agora", mode=1, language="en") as avatar:
            reveal_type(avatar)
        opened: AvatarSession = await akool.open_session("a", duration=60, extra={"x": 1})
        await opened.aclose()
        session = await akool.sessions.create("a", mode=2, language="en")
        async with akool_async.join(session) as joined:
            reveal_type(joined)
        copy: AkoolClient = akool.with_options(session_close_timeout=5)
        await copy.aclose()


akool_async.run(main())
"""

WRONG = {
    'akool.open_session("a", langauge="en")': 'Unexpected keyword argument "langauge"',
    'akool.open_session("a", mode_type=1)': 'Unexpected keyword argument "mode_type"',
    'akool.open_session("a", mode=3)': 'Argument "mode"',
    'akool.open_session("a", duration="60")': 'Argument "duration"',
    'akool.open_session("a", stream_type="zoom")': 'Argument "stream_type"',
    'akool.open_session("a", options={"reply_timeout": 5})': 'Argument "options"',
    'akool.sessions.create("a", langauge="en")': 'Unexpected keyword argument "langauge"',
    'akool.sessions.create("a", mode="2")': 'Argument "mode"',
}


@pytest.mark.slow
def test_open_session_is_checked_by_name_and_type(tmp_path: Path) -> None:
    head = "from akool_async import AkoolClient\n\n\ndef program(akool: AkoolClient) -> None:\n"
    (tmp_path / "wrong.py").write_text(head + "".join(f"    {call}\n" for call in WRONG))
    (tmp_path / "good.py").write_text(GOOD)
    options = ["--strict", "--config-file=", f"--cache-dir={tmp_path}/cache"]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "--follow-imports=silent", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        check=False,
    )
    lines = run.stdout.splitlines()
    for number, expected in enumerate(WRONG.values(), start=5):
        found = [line for line in lines if f"wrong.py:{number}: error" in line]
        assert any(expected in line for line in found), (number, run.stdout)
    good = [line for line in lines if "good.py" in line]
    assert not [line for line in good if ": error: " in line], run.stdout
    session = "akool_async.conversation.session.session.AvatarSession"
    assert sum(f'"{session}"' in line for line in good) == 2
