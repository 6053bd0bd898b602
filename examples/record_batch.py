"""Makes a film of each text in a CSV file: the avatar says it, with subtitles.

    pip install "akool-async[livekit,record]"
    export AKOOL_API_KEY=…
    python examples/record_batch.py texts.csv films

Each row has a name and a text. Films that are there already are left out, so a run that was
interrupted can be repeated.
"""

from __future__ import annotations

import asyncio
import csv
import sys
from pathlib import Path

import akool_async
from akool_async import AkoolClient

#: Seconds that are kept after the last word.
TAIL = 0.5


async def record(rows: list[tuple[str, str]], folder: Path) -> None:
    """One session for all rows; a film for each."""
    async with (
        AkoolClient() as akool,
        akool.open_session("dvp_Tristan_cloth2_1080P", mode=1) as avatar,
    ):
        for number, (name, text) in enumerate(rows, 1):
            async with avatar.record(folder / f"{name}.webm") as recording:
                await avatar.say(text).spoken()
                await asyncio.sleep(TAIL)
            stats = recording.stats
            print(f"{number} of {len(rows)}: {recording.path.name}, {stats.seconds:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    films = Path(sys.argv[2])
    films.mkdir(exist_ok=True)
    with Path(sys.argv[1]).open(encoding="utf-8", newline="") as file:
        texts = [(row[0], row[1]) for row in csv.reader(file) if len(row) > 1]
    wanted = [row for row in texts if not (films / f"{row[0]}.webm").exists()]
    if wanted:
        akool_async.run(record(wanted, films))
