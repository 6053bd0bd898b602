"""Many sessions at once; their service stands still, or is killed and started again."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from findings import Report, Violation
from judge import Judge

from akool_async import AkoolClient, AvatarSession, ConversationOptions
from akool_async.errors import AkoolError

__all__ = ["run"]

CHATROOM: Final[dict[str, Any]] = {"avatar_id": "Kai_1080P_back", "legacy": True}
LIVEKIT: Final[dict[str, Any]] = {"avatar_id": "dvp_Tristan_cloth2_1080P", "mode": 2}
SESSIONS: Final = 1000
#: For each so many sessions in chat rooms, one LiveKit room.
CHATROOMS_PER_ROOM: Final = 10
#: Sessions that are opened at the same time; joining a LiveKit room takes much of a core.
OPENED_AT_ONCE: Final = 50
JOINED_AT_ONCE: Final = 4
#: Seconds for which the service does nothing.
STANDS_STILL: Final = 10.0
OPTIONS: Final = ConversationOptions(connect_timeout=120.0, reply_timeout=180.0)
#: Seconds for a whole round.
ROUND: Final = 900.0


@dataclass(slots=True)
class _Crowd:
    """Sessions of a kind that are to ask at the same moment; `opened` counts those that tried."""

    fields: dict[str, Any]
    ready: asyncio.Semaphore
    go: asyncio.Event
    opened: int = 0


async def _talk(akool: AkoolClient, number: int, crowd: _Crowd, report: Report) -> None:
    try:
        async with crowd.ready:
            opened = await akool.open_session(**crowd.fields, options=OPTIONS)
    except AkoolError as error:  # a machine may be too busy for all of them
        report.counts[f"not opened, {type(error).__name__}"] += 1
        return
    finally:
        crowd.opened += 1
    async with opened as avatar:
        report.counts["sessions"] += 1
        await crowd.go.wait()
        await _ask(avatar, f"Question {number}", report)


async def _ask(avatar: AvatarSession, text: str, report: Report) -> None:
    report.counts["questions"] += 1
    try:
        reply = await avatar.ask(text)
    except AkoolError as error:
        report.counts[type(error).__name__] += 1
        return
    report.counts["answered"] += 1
    if text not in reply.text:
        report.violations.append(
            Violation(f"{text!r} was answered with {reply.text!r}", "overload --once")
        )


async def _stands_still(
    report: Report, fields: dict[str, Any], sessions: int, seconds: float
) -> None:
    """All ask at once; in the middle the service's process is stopped for a while."""
    async with Judge() as judge:
        async with AkoolClient("any-key-1234", base_url=judge.url, timeout=120.0) as akool:
            at_once = JOINED_AT_ONCE if fields is LIVEKIT else OPENED_AT_ONCE
            crowd = _Crowd(fields, asyncio.Semaphore(at_once), asyncio.Event())
            async with asyncio.TaskGroup() as group:
                for number in range(sessions):
                    group.create_task(_talk(akool, number, crowd, report))
                while crowd.opened < sessions:
                    await asyncio.sleep(0.1)
                judge.signal(signal.SIGSTOP)
                crowd.go.set()
                await asyncio.sleep(seconds)
                judge.signal(signal.SIGCONT)
        left = await judge.open()
        if left:
            report.violations.append(
                Violation(f"{len(left)} sessions are open after the service stood still",
                          "overload --once")
            )  # fmt: skip


async def _killed(report: Report, sessions: int) -> None:
    """The service is killed while sessions talk, and another one has its address."""
    judge = Judge()
    async with judge:
        port = urlsplit(judge.url).port
        async with AkoolClient(
            "any-key-1234", base_url=judge.url, session_close_timeout=20.0
        ) as akool:
            opened = [
                await akool.open_session(**CHATROOM, options=OPTIONS) for _ in range(sessions)
            ]
            asking = [asyncio.create_task(_ask(one, "Are you there?", report)) for one in opened]
            judge.signal(signal.SIGKILL)
            async with Judge(port or 0):
                await asyncio.wait(asking, timeout=240)
                hung = [task for task in asking if not task.done()]
                for task in hung:
                    task.cancel()
                if hung:
                    report.violations.append(
                        Violation(f"{len(hung)} questions had no end", "overload --once")
                    )
                closed = await asyncio.gather(
                    *(one.aclose() for one in opened), return_exceptions=True
                )
                for result in closed:
                    # The new service doesn't know the sessions of the old one.
                    if isinstance(result, BaseException) and not isinstance(result, AkoolError):
                        report.violations.append(
                            Violation(f"closing raised {result!r}", "overload --once")
                        )


async def run(
    seconds: float,
    seed: int,
    *,
    once: bool = False,
    sessions: int = SESSIONS,
    still: float = STANDS_STILL,
) -> Report:
    """Rounds until `seconds` are over; `once`: one."""
    del seed  # nothing is random here
    report = Report("overload")
    until = time.monotonic() + seconds
    while True:
        try:
            async with asyncio.timeout(ROUND):
                await _stands_still(report, CHATROOM, sessions, still)
                await _stands_still(report, LIVEKIT, max(1, sessions // CHATROOMS_PER_ROOM), still)
                await _killed(report, max(1, sessions // 20))
        except TimeoutError:
            report.violations.append(
                Violation(f"a round didn't end within {ROUND:g} s", "overload --once")
            )
        report.counts["rounds"] += 1
        report.memory.look()
        if once or time.monotonic() > until:
            return report
