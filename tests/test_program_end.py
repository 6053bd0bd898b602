"""That a program which opens sessions leaves none open, whenever and however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from running_command import sigint_for_children
from session_service import SessionService, answer


@pytest.mark.parametrize(
    "end",
    ["returns", "exits", "exits_in_a_task", "stops_the_loop", "cancels_all_tasks", "SIGINT",
     "SIGINT SIGINT",
     "SIGINT by asyncio.run", "SIGINT SIGINT by asyncio.run",
     "SIGTERM", "SIGTERM SIGTERM", "SIGHUP"],
)  # fmt: skip
async def test_however_a_program_ends_it_leaves_nothing_open(
    sessions: SessionService, python: Any, end: str
) -> None:
    """Three programs at a time that open and close sessions, each ended at another moment."""
    dice = random.Random(end)

    async def create(body: Mapping[str, Any]) -> web.StreamResponse:
        await asyncio.sleep(dice.random() * 0.05)
        data = sessions.create()
        await asyncio.sleep(dice.random() * 0.05)
        return answer(data)

    async def close(body: Mapping[str, Any]) -> None:
        await asyncio.sleep(dice.random() * 0.05)

    sessions.hooks |= {"create": create, "close": close}
    signals = [signal.Signals[name] for name in end.split() if name.startswith("SIG")]
    program = Path(__file__).parent / "support" / "opening_program.py"
    how = "waits_plainly" if end.endswith("by asyncio.run") else "waits"

    async def run() -> str:
        moment = dice.random() * 0.4
        env = os.environ | {"AKOOL_API_URL": sessions.url, "AKOOL_API_KEY": "any-key-1234"}
        process = await python(str(program), how if signals else end, str(moment), env=env)
        await process.stdout.readline()
        for number in signals:
            await asyncio.sleep(moment)
            process.send_signal(number)
            moment = dice.random() * 0.1
        async with asyncio.timeout(60):
            errors = (await process.stderr.read()).decode()
            status = await process.wait()
        with contextlib.suppress(OSError):
            process.stdin.close()
        expected = {
            "SIGTERM": (143,),
            # The second one may come when Python is past its handlers, with everything closed.
            "SIGTERM SIGTERM": (143, -signal.SIGTERM),
            "SIGHUP": (129,),
        }.get(end)
        assert expected is None or status in expected, errors
        return errors

    with sigint_for_children():
        # On a busy machine programs may end before they have opened anything: others are tried.
        for _ in range(10):
            errors = await asyncio.gather(*(run() for _ in range(3)))
            assert sessions.open == set(), errors
            if sessions.made > 3:
                break
    assert sessions.made > 3
