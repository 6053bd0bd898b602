"""The example program, as a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
import wave
from collections import Counter
from pathlib import Path

from real_livekit import server_from_environment
from signal_samples import loudness, tone

from akool_async.simulator import Simulator

EXAMPLE = Path(__file__).parents[1] / "example_pipeline.py"


async def test_the_example_runs(sim: Simulator, tmp_path: Path) -> None:
    server = server_from_environment()
    assert server is not None
    question, spoken = tmp_path / "question.wav", tmp_path / "spoken.wav"
    with wave.open(str(question), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(tone(0, 24_000))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLE), str(question), str(spoken)),
        env={
            **os.environ,
            "LIVEKIT_URL": server.url.replace("http", "ws", 1),
            "LIVEKIT_API_KEY": server.api_key,
            "LIVEKIT_API_SECRET": server.api_secret,
            "AKOOL_API_KEY": "any",
            "AKOOL_API_URL": sim.url,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        output, _ = await process.communicate()
    assert process.returncode == 0
    assert int(output.split()[-2]) > 0
    with wave.open(str(spoken), "rb") as file:
        heard = file.readframes(file.getnframes())
    assert loudness(heard) > 2_000
    calls = Counter(request.path.rpartition("/")[2] for request in sim.requests)
    assert calls["create"] == calls["close"] == 1
