"""Two avatars talk with each other: what one answers, the other is asked.

export AKOOL_API_KEY=…
python examples/two_avatars.py "What is a good evening?" 4
"""

from __future__ import annotations

import sys

import akool_async
from akool_async import AkoolClient


async def main(opening: str, turns: int) -> None:
    async with (
        AkoolClient() as akool,
        akool.open_session("dvp_Tristan_cloth2_1080P", mode=2) as tristan,
        akool.open_session("dvp_Alinna_realisticbg_20241224", mode=2) as alinna,
    ):
        text = opening
        for turn in range(turns):
            name, avatar = (("Tristan", tristan), ("Alinna", alinna))[turn % 2]
            text = (await avatar.ask(text)).text
            print(f"{name}: {text}")


if __name__ == "__main__":
    akool_async.run(
        main(
            sys.argv[1] if len(sys.argv) > 1 else "What is a good evening?",
            int(sys.argv[2]) if len(sys.argv) > 2 else 4,
        )
    )
