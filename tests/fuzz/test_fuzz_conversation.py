"""The short form of the random conversations, whose long one `nox -s fuzz` holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "fuzz_conversation.py"


def test_a_hundred_conversations() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--conversations", "50", "--seed", "0"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == ["seeds 0 to 49", "100 conversations, 0 went wrong"]
