"""Has one avatar read a list of texts, and saves what was said when as JSON.

    export AKOOL_API_KEY=…
    python examples/batch_transcript.py texts.txt transcript.json

The texts are the lines of the file; empty ones are skipped.
"""

from __future__ import annotations

import sys
from pathlib import Path

import akool_async
from akool_async import AkoolClient


async def read_out(texts: list[str]) -> str:
    """Returns the transcript as JSON."""
    async with (
        AkoolClient() as akool,
        akool.open_session("dvp_Tristan_cloth2_1080P", mode=1) as avatar,
    ):
        for number, text in enumerate(texts, 1):
            await avatar.say(text).spoken()
            print(f"{number} of {len(texts)} read")
        return avatar.transcript.to_json()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    transcript = akool_async.run(read_out([line for line in lines if line.strip()]))
    Path(sys.argv[2]).write_text(transcript, encoding="utf-8")
