"""What importing the package costs, in fresh processes, and what it must not import."""

from __future__ import annotations

import subprocess
import sys

from framework import Bench, at_most_times, row

#: Parts and vendors that an importing program didn't ask for.
UNWANTED = ("livekit", "websockets", "akool_async.simulator", "typer", "aiortc", "pytest")


def _seconds(imports: str) -> float:
    """How long `imports` takes in an interpreter of its own, without its start."""
    code = (
        f"import time; start = time.perf_counter(); {imports}; "
        "spent = time.perf_counter() - start; import sys; "
        f"print(spent, *[name for name in {UNWANTED!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, timeout=60
    )
    spent, *unwanted = done.stdout.split()
    if unwanted:
        raise RuntimeError(f"{imports!r} imported {', '.join(unwanted)}")
    return float(spent) * 1000


@row(
    "import",
    group="import",
    unit="ms",
    counterpart="aiohttp + pydantic",
    goal={"akool_async": at_most_times(1.2), "AkoolClient": at_most_times(1.2)},
    limit=600,  # where no compiled files are kept, each import compiles all of it
)
def import_akool_async(bench: Bench) -> None:
    """The package, whose names are imported when they are first asked for, and with the client.

    `import pydantic` loads nearly nothing of it, so the counterpart asks for its `BaseModel`.
    """
    floor = "import aiohttp; from pydantic import BaseModel"
    ours = {
        "akool_async": "import akool_async",
        "AkoolClient": "from akool_async import AkoolClient",
        "everything public": "from akool_async import *",
    }
    for imports in (floor, *ours.values()):
        _seconds(imports)  # the files are in the cache from here on
    for _ in bench.rounds(11):
        for part, imports in ours.items():
            bench.record(part, ours=_seconds(imports), counterpart=_seconds(floor))
