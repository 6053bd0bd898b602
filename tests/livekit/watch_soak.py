"""A visitor in Chromium and a bot in one room, for minutes, while connections break.

    AKOOL_LIVEKIT_CLIENT=…/livekit-client.umd.js python tests/livekit/watch_soak.py --minutes 5

The page of `akool_async.watch` is open in a real Chromium, over the simulator's LiveKit room with
a face and a voice. Every few seconds the visitor types a question and waits for the answer on the
page; every half minute something breaks: everyone's signalling, everyone's connection to the room,
the page's room or its websocket. After each, the picture has to move again and the avatar to be
heard. In the end every question has its answer once, unless the page said that it was refused, and
no session is open.

Without AKOOL_LIVEKIT_CLIENT the client is got by `npm pack`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from chromium import Tab, client_path, tab

from akool_async import AkoolClient, AvatarSession, Reconnected, watch
from akool_async.simulator import Media, Simulator
from akool_async.testing.waiting import until

AVATAR = "dvp_Tristan_cloth2_1080P"
#: Seconds between two breaks.
BREAK = 30.0


#: Seconds in which all is well again after a break.
RECOVERY = 60.0
_FRAMES = "document.getElementById('video').getVideoPlaybackQuality().totalVideoFrames"

_PROBLEMS = "document.querySelectorAll('.problem').length"


class Visit:
    """One visitor's visit."""

    def __init__(
        self, sim: Simulator, avatar: AvatarSession, page: Tab, rng: random.Random
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.slowest = 0.0
        self._refused: set[int] = set()
        self._sim = sim
        self._avatar = avatar
        self._page = page
        self._random = rng
        avatar.on(Reconnected)(lambda _: self.counts.update(["the bot reconnected"]))

    async def run(self, seconds: float) -> None:
        """Talks for so long."""
        began = broke = time.monotonic()
        breaks = [self._signalling, self._everyone, self._room, self._websocket]
        while time.monotonic() < began + seconds:
            if time.monotonic() > broke + BREAK:
                kind = breaks[self.counts["breaks"] % len(breaks)]
                self.counts.update(["breaks", kind.__name__.strip("_")])
                await self._broken(kind)
                broke = time.monotonic()
            await self._ask()
            await asyncio.sleep(self._random.uniform(0.5, 3.0))

    async def _ask(self) -> None:
        """Asks until there is an answer: while a connection breaks, a question can be refused."""
        async with asyncio.timeout(RECOVERY):
            while not await self._asked():
                self.counts.update(["refused"])

    async def _asked(self) -> bool:
        self.counts.update(["questions"])
        number = self.counts["questions"]
        question = f"question {number} of mine"
        await self._page.until("socket.readyState === WebSocket.OPEN", RECOVERY)
        refused = await self._page.value(_PROBLEMS)
        await self._page.type(question)
        there = f"document.getElementById('lines').innerText.includes('You said: {question}')"
        await self._page.until(f"{there} || {_PROBLEMS} > {refused}", RECOVERY)
        if await self._page.value(there):
            return True
        self._refused.add(number)
        return False

    async def _broken(self, kind: Callable[[], Awaitable[object]]) -> None:
        began = time.monotonic()
        await kind()
        await self._ask()
        before = await self._page.value(_FRAMES)
        await self._page.until(f"{_FRAMES} > {before} + 5", RECOVERY)
        await self._page.until(
            "document.getElementById('state').textContent === 'connected'", RECOVERY
        )
        await until(
            lambda: any(one.identity.startswith("visitor") for one in self._avatar.participants),
            timeout=RECOVERY,
        )
        took = time.monotonic() - began
        self.slowest = max(self.slowest, took)
        await self._page.type("something loud")
        assert await self._page.loudness() > 0.01, f"nothing is heard after {kind.__name__}"
        print(f"{kind.__name__.strip('_')}: all is well after {took:.1f} s")

    async def _signalling(self) -> None:
        await self._sim.fault(self._sim.open_sessions[0], "drop_socket")

    async def _everyone(self) -> None:
        await self._sim.fault(self._sim.open_sessions[0], "full_reconnect")

    async def _room(self) -> None:
        await self._page.value("room.disconnect()")

    async def _websocket(self) -> None:
        await self._page.value("socket.close()")

    def check(self) -> None:
        """Every question was answered once; one that was refused may have been, too."""
        answers = Counter(entry.text for entry in self._avatar.transcript if entry.role == "avatar")
        for number in range(1, self.counts["questions"] + 1):
            times = answers[f"You said: question {number} of mine"]
            assert times == 1 or (times == 0 and number in self._refused), (number, times)


async def main(minutes: float, seed: int) -> None:
    """Runs it, and prints what was counted."""
    client = client_path()
    async with (
        Simulator(pace=0.05, media=Media()) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR, duration=3600) as avatar,
        watch.serve(avatar, livekit_client=client) as link,
    ):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            async with tab(link, Path(folder)) as page:
                await page.until("document.body.dataset.firstPicture !== undefined")
                first = await page.value("document.body.dataset.firstPicture")
                visit = Visit(sim, avatar, page, random.Random(seed))
                await visit.run(60 * minutes)
                await page.click("end")
                await page.until("document.getElementById('state').textContent.includes('over')")
        visit.check()
        await until(lambda: not sim.open_sessions)
    print(
        f"first picture after {first} ms; {dict(visit.counts)}; all well again after "
        f"{visit.slowest:.1f} s at most; no session is open"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.minutes, arguments.seed))
