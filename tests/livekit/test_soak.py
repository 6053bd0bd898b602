"""One minute of `soak.py`: nothing is lost and memory stays what it was."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

ROOMS = 25


@pytest.mark.slow
@pytest.mark.livekit_server
async def test_a_minute_of_conversation_in_many_rooms() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        Path(__file__).with_name("soak.py"),
        *("--rooms", str(ROOMS), "--minutes", "1", "--json"),
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        async with asyncio.timeout(300):
            said, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found = json.loads(said)
    assert found["lost"] == 0, complaints.decode()[-2000:]
    assert found["asked"] > 10 * ROOMS
    # How late the loop ran is for the long run on a quiet machine; memory is for both.
    assert found["memory_late"] <= found["memory_early"] * 1.05
