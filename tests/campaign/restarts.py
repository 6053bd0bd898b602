"""Rooms on a real livekit-server that is killed while they talk, and started again.

Needs a server that was built before (`tests/livekit/server.py` builds it). Where there is none,
that is counted and nothing is run.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from findings import Report, Violation
from judge import Judge
from real_livekit import RealServer, built

from akool_async import AkoolClient, AvatarSession, ConversationOptions
from akool_async.errors import AkoolError, DisconnectedError

__all__ = ["run"]

AVATAR: Final = "dvp_Tristan_cloth2_1080P"
ROOMS: Final = 20
#: Rooms that are joined at the same time.
JOINS: Final = 4
#: Seconds for which the server is away: clients come back by themselves, or give up.
AWAY: Final = (0.0, 2.0, 8.0, 30.0)
OPTIONS: Final = ConversationOptions(connect_timeout=60.0, reply_timeout=20.0)
#: Seconds in which a question has ended, by `reply_timeout`, or never does.
HANGS: Final = 120.0
#: Seconds for the rooms to talk again once the server is back.
AGAIN: Final = 60.0
#: Seconds for a whole round.
ROUND: Final = 600.0


@dataclass(slots=True)
class _Rooms:
    """What the rooms of a round share; `talking` are those that aren't over."""

    report: Report
    wrong: Callable[[str], None]
    joins: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(JOINS))
    over: asyncio.Event = field(default_factory=asyncio.Event)
    tried: int = 0
    talking: set[int] = field(default_factory=set)
    answered: set[int] = field(default_factory=set)


async def _room(akool: AkoolClient, number: int, rooms: _Rooms) -> None:
    try:
        async with rooms.joins:
            opened = await akool.open_session(AVATAR, duration=600, options=OPTIONS)
    except AkoolError as error:  # a machine may be too busy
        rooms.report.counts[f"not opened, {type(error).__name__}"] += 1
        return
    finally:
        rooms.tried += 1
    rooms.report.counts["rooms"] += 1
    rooms.talking.add(number)
    try:
        async with opened as avatar:
            turn = 0
            while not rooms.over.is_set() and await _asks(avatar, number, turn, rooms):
                turn += 1
                await asyncio.sleep(0.05)
            rooms.talking.discard(number)
    except AkoolError as error:
        rooms.wrong(f"leaving room {number} raised {error!r}")


async def _asks(avatar: AvatarSession, number: int, turn: int, rooms: _Rooms) -> bool:
    """Whether the room is still there after a question."""
    counts, text = rooms.report.counts, f"room {number}, question {turn}."
    counts["questions"] += 1
    try:
        async with asyncio.timeout(HANGS):
            reply = await avatar.ask(text)
    except DisconnectedError as error:
        counts[f"rooms lost, {error.reason}"] += 1
        return False
    except AkoolError as error:
        counts[type(error).__name__] += 1
        return not avatar.closed
    except TimeoutError:  # of the block: those of a reply are AkoolErrors
        rooms.wrong(f"{text!r} had no end")
        return False
    if reply.text == f"You said: {text}":
        counts["answered"] += 1
        rooms.answered.add(number)
    elif reply.ended == "fin":
        rooms.wrong(f"{text!r} was answered with {reply.text!r}")
    else:
        counts[f"cut off, marked {reply.ended!r}"] += 1
    return True


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.05)


async def _round(seed: int, report: Report, binary: Path, count: int) -> None:
    dice = random.Random(seed)
    away, wait = dice.choice(AWAY), dice.random() * 2
    steps = (f"{count} rooms, killed {wait:.2f} s after all were asked, away for {away:g} s",)

    def wrong(what: str) -> None:
        report.violations.append(Violation(what, f"restarts --seed {seed} --once", steps))

    rooms = _Rooms(report, wrong)
    with (
        tempfile.TemporaryDirectory(prefix="livekit-") as folder,
        RealServer(binary, Path(folder)) as server,
    ):
        async with Judge(livekit=server) as judge:
            async with (
                AkoolClient("any-key-1234", base_url=judge.url, timeout=60.0) as akool,
                asyncio.TaskGroup() as group,
            ):
                for number in range(count):
                    group.create_task(_room(akool, number, rooms))
                await _until(lambda: rooms.tried == count, ROUND)
                await _until(lambda: rooms.answered >= rooms.talking, AGAIN)
                await asyncio.sleep(wait)
                await asyncio.to_thread(server.kill)
                report.counts["kills"] += 1
                await asyncio.sleep(away)
                await asyncio.to_thread(server.start)
                rooms.answered.clear()
                await _until(lambda: rooms.answered >= rooms.talking, AGAIN)
                report.counts["talking again"] += len(rooms.answered & rooms.talking)
                rooms.over.set()
            if left := await judge.open():
                wrong(f"{len(left)} sessions are open after a restart of their rooms' server")


async def run(seconds: float, seed: int, *, once: bool = False, rooms: int = ROOMS) -> Report:
    """Rounds until `seconds` are over; `once`: one."""
    report = Report("restarts")
    binary = built()
    if binary is None:
        report.counts["rounds left out: there is no livekit-server here"] += 1
        return report
    until = time.monotonic() + seconds
    while True:
        try:
            async with asyncio.timeout(ROUND):
                await _round(seed, report, binary, rooms)
        except TimeoutError:
            report.violations.append(
                Violation(
                    f"a round didn't end within {ROUND:g} s", f"restarts --seed {seed} --once"
                )
            )
        report.counts["rounds"] += 1
        report.memory.look()
        seed += 1
        if once or time.monotonic() > until:
            return report
