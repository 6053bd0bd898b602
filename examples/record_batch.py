"""Makes a film of each text in a CSV file: the avatar says it, with subtitles.

It needs the extras `livekit` and `record`.

    export AKOOL_API_KEY=…
    python examples/record_batch.py texts.csv films

Each row has a name and a text. A film has its name once it is whole, and those that are there
already are left out, so a run that was interrupted can be repeated.
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
            part = folder / f"{name}.part.webm"
            async with avatar.record(part, overwrite=True) as recording:
                await avatar.say(text).spoken()
                await asyncio.sleep(TAIL)
            for suffix in (".vtt", ".webm"):
                part.with_suffix(suffix).replace(folder / f"{name}{suffix}")
            print(f"{number} of {len(rows)}: {name}.webm, {recording.stats.seconds:.1f} s")


def read_rows(path: Path) -> list[tuple[str, str]]:
    """Names and texts."""
    # Spreadsheets put a mark before the first name.
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [(row[0], row[1]) for row in csv.reader(file) if len(row) > 1]
    for name, _ in rows:
        # Before a session is paid for.
        if not name or Path(name).name != name:
            sys.exit(f"{path}: {name!r} can't be the name of a file")
    return rows


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    films = Path(sys.argv[2])
    films.mkdir(exist_ok=True)
    texts = read_rows(Path(sys.argv[1]))
    wanted = [row for row in texts if not (films / f"{row[0]}.webm").exists()]
    if wanted:
        akool_async.run(record(wanted, films))
