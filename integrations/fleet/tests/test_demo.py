"""The demo, run to its end."""

from __future__ import annotations

import asyncio
import re
from io import StringIO

from akool_fleet.demo import demo
from rich.console import Console


async def test_every_job_is_done_though_a_worker_dies() -> None:
    out = StringIO()
    async with asyncio.timeout(120):
        await demo(jobs=4, limit=2, console=Console(file=out, width=200), seconds=0.5)
    text = out.getvalue()
    assert "4 of 4 jobs done" in text
    assert "one worker was killed on the way" in text
    assert re.search(r"\d+ sessions created, 0 left open", text)
