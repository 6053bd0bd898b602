"""Lives of sessions that end in every way, at a service that is slow, refuses and breaks off.

A batch of lives shares one weather of the service; the judge counts what is open when all of them
have ended. A life whose program is killed by SIGKILL is counted apart: nothing can close its
session. So is one whose create the service carried out without an answer: its id can't be known.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from findings import Report, Violation
from fork_server import ForkServer
from judge import Judge
from session_service import QUICK, EmptyRoom

from akool_async import AkoolClient
from akool_async.errors import AkoolError

__all__ = ["run"]

AVATAR: Final = "dvp_Tristan_cloth2_1080P"
#: Lives at the same time.
BATCH: Final = 20
#: Seconds in which a life ends, whatever the weather is.
LIFE: Final = 90.0
PROGRAM: Final = str(Path(__file__).parent.parent / "support" / "opening_program.py")

CREATE: Final = "*/session/create"
CLOSE: Final = "*/session/close"
WEATHERS: Final[dict[str, list[dict[str, Any]]]] = {
    "fair": [],
    "create is slow": [{"path": CREATE, "delay": 0.4, "times": None}],
    "close is slow": [{"path": CLOSE, "delay": 0.6, "times": None}],
    "close is refused for a while": [{"path": CLOSE, "status": 503, "times": 30}],
    "close is told to wait": [
        {"path": CLOSE, "status": 429, "headers": {"Retry-After": "1"}, "times": 20}
    ],
    "close is cut off": [{"path": CLOSE, "drop": True, "acts": True, "times": 20}],
    "close breaks": [{"path": CLOSE, "drop": True, "times": 20}],
    "close is half an answer": [{"path": CLOSE, "truncated": True, "times": 20}],
    "create is refused": [{"path": CREATE, "code": 1215, "times": 10}],
    "create is told to wait": [
        {"path": CREATE, "status": 429, "headers": {"Retry-After": "1"}, "times": 10}
    ],
    "create breaks": [{"path": CREATE, "drop": True, "times": 10}],
    "create is cut off": [{"path": CREATE, "drop": True, "acts": True, "times": 5}],
    "the service is away for a while": [{"path": "*", "drop": True, "times": 30}],
}
#: The service may have made a session whose id its answer didn't bring.
UNKNOWN: Final = ("create breaks", "create is cut off", "the service is away for a while")


class _StopError(Exception):
    """A program's own."""


async def _returns(akool: AkoolClient, dice: random.Random) -> None:
    async with akool.open_session(AVATAR, transport=EmptyRoom, options=QUICK):
        await asyncio.sleep(dice.random() * 0.05)


async def _raises(akool: AkoolClient, dice: random.Random) -> None:
    with suppress(_StopError):
        async with akool.open_session(AVATAR, transport=EmptyRoom, options=QUICK):
            await asyncio.sleep(dice.random() * 0.05)
            raise _StopError


async def _cancelled(akool: AkoolClient, dice: random.Random, *, times: int = 1) -> None:
    life = asyncio.create_task(_returns(akool, dice))
    for _ in range(times):
        await asyncio.sleep(dice.random() * 0.15)
        life.cancel()
    await asyncio.wait([life])
    if not life.cancelled():
        life.result()


async def _cancelled_twice(akool: AkoolClient, dice: random.Random) -> None:
    await _cancelled(akool, dice, times=2)


async def _timed_out(akool: AkoolClient, dice: random.Random) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(dice.random() * 0.2):
            await _returns(akool, dice)


async def _in_a_group(akool: AkoolClient, dice: random.Random) -> None:
    async def fail() -> None:
        await asyncio.sleep(dice.random() * 0.1)
        raise _StopError

    with suppress(BaseExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(_returns(akool, dice))
            group.create_task(_returns(akool, dice))
            group.create_task(fail())


async def _client_closed(akool: AkoolClient, dice: random.Random) -> None:
    async with akool.with_options() as copy:
        opened = await copy.open_session(AVATAR, transport=EmptyRoom, options=QUICK)
        await asyncio.sleep(dice.random() * 0.05)
    await opened.aclose()


#: Ends of a life in the campaign's own loop.
ENDS: Final[dict[str, Callable[[AkoolClient, random.Random], Coroutine[Any, Any, None]]]] = {
    "returns": _returns,
    "raises": _raises,
    "cancelled": _cancelled,
    "cancelled twice": _cancelled_twice,
    "timed out": _timed_out,
    "in a group": _in_a_group,
    "session closed by hand": _client_closed,
}
#: Ends of a program: how it runs, and the signals that it gets.
PROGRAMS: Final[dict[str, tuple[str, tuple[signal.Signals, ...]]]] = {
    "SIGINT": ("waits", (signal.SIGINT,)),
    "SIGINT twice": ("waits", (signal.SIGINT, signal.SIGINT)),
    "SIGINT, asyncio.run": ("waits_plainly", (signal.SIGINT,)),
    "SIGTERM": ("waits", (signal.SIGTERM,)),
    "SIGTERM twice": ("waits", (signal.SIGTERM, signal.SIGTERM)),
    "SIGHUP": ("waits", (signal.SIGHUP,)),
    "sys.exit": ("exits", ()),
    "sys.exit in a task": ("exits_in_a_task", ()),
    "loop.stop": ("stops_the_loop", ()),
    "main returns": ("returns", ()),
    "all tasks cancelled": ("cancels_all_tasks", ()),
    "SIGKILL": ("waits", (signal.SIGKILL,)),
}


async def _program(
    end: str, judge: Judge, forks: ForkServer, dice: random.Random, steps: list[str]
) -> None:
    how, signals = PROGRAMS[end]
    moment = dice.random() * 0.4
    env = os.environ | {"AKOOL_API_URL": judge.url, "AKOOL_API_KEY": "any-key-1234"}
    process = await forks.run(PROGRAM, how, str(moment), env=env)
    try:
        await process.stdout.readline()
        for number in signals:
            await asyncio.sleep(moment)
            steps.append(f"{number.name} after {moment * 1000:.0f} ms")
            process.send_signal(number)
            moment = dice.random() * 0.1
        await asyncio.gather(process.stderr.read(), process.stdout.read())
        await process.wait()
    finally:
        process.kill()
        with suppress(OSError):
            process.stdin.close()


async def _life(
    seed: int, judge: Judge, forks: ForkServer, akool: AkoolClient, *, killed: bool, report: Report
) -> list[str]:
    """One life; returns its steps."""
    dice = random.Random(seed)
    names = [*ENDS, *(name for name in PROGRAMS if name != "SIGKILL")]
    end = "SIGKILL" if killed else dice.choice(names)
    steps = [f"life {seed}: {end}"]
    try:
        async with asyncio.timeout(LIFE):
            if end in ENDS:
                await ENDS[end](akool, dice)
            else:
                await _program(end, judge, forks, dice, steps)
    except TimeoutError:
        report.violations.append(
            Violation(f"a life didn't end within {LIFE:g} s", f"lives --seed {seed}", tuple(steps))
        )
    except AkoolError as error:
        steps.append(f"raised {type(error).__name__}")
        report.counts["ended in a typed error"] += 1
    return steps


async def _batch(
    seed: int, judge: Judge, forks: ForkServer, report: Report, lives: int
) -> list[str]:
    """A weather and its lives; returns the steps, if sessions stayed open that could be closed."""
    dice = random.Random(seed)
    name = dice.choice(list(WEATHERS))
    killed = dice.random() < 0.1
    await judge.weather(WEATHERS[name])
    before = await judge.made()
    async with AkoolClient("any-key-1234", base_url=judge.url) as akool:
        ended = await asyncio.gather(
            *(
                _life(seed * BATCH + n, judge, forks, akool, killed=killed, report=report)
                for n in range(lives)
            )
        )
    await judge.weather([])
    open_ids = await judge.open()
    report.counts["lives"] += lives
    report.counts["sessions"] += await judge.made() - before
    await judge.close_all()
    if killed:
        report.counts["left open by SIGKILL"] += len(open_ids)
        return []
    if not open_ids:
        return []
    if name in UNKNOWN:
        report.counts["left open, the id unknown"] += len(open_ids)
        return []
    return [f"weather: {name}", *(step for steps in ended for step in steps)]


async def run(seconds: float, seed: int, *, once: bool = False, lives: int = BATCH) -> Report:
    """Lives until `seconds` are over; `once`: one batch."""
    report = Report("lives")
    until = time.monotonic() + seconds
    forks = ForkServer()
    forks.start()
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        async with Judge() as judge:
            while True:
                steps = await _batch(seed, judge, forks, report, lives)
                if steps:
                    # The same again, to say whether it needs chance.
                    again = await _batch(seed, judge, forks, report, lives)
                    what = "sessions stayed open" + ("" if again else " (not at the second try)")
                    report.violations.append(
                        Violation(what, f"lives --seed {seed} --once", tuple(steps))
                    )
                seed += 1
                report.memory.look()
                if once or time.monotonic() > until:
                    return report
    finally:
        signal.signal(signal.SIGINT, handler)
        forks.stop()
