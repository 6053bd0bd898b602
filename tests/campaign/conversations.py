"""Questions over a room that loses, doubles, reorders, breaks and stalls; a model knows every word.

A question ends in its own answer, whole, or in an error that says what is missing; never in
another's text, never without an end. On the virtual clock, so a seed is the same in every run.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, Final

from fake_avatar import FakeAvatar
from findings import Report, Violation
from virtual_clock import VirtualClockLoop

from akool_async import AvatarSession, ConversationOptions, Reply, SessionInfo
from akool_async.errors import AkoolError, ReplyIncompleteError, ReplyTimeoutError
from akool_async.stream.limits import AGORA, LIVEKIT
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.transport import ConnectionState

__all__ = ["converse", "run"]

#: Questions in one conversation, and how many of them at a time.
QUESTIONS: Final = 40
AT_A_TIME: Final = 3
#: Seconds on the virtual clock in which a question has ended, by `reply_timeout`, or never does.
HANGS: Final = 120.0
OPTIONS: Final = ConversationOptions(reply_timeout=60.0)
WORDS: Final = ("ja", "naïve", "中文", "\N{GRINNING FACE}", "line\nbreak", '"quoted"', "سلام")


class Avatar(FakeAvatar):
    """Answers each question with words of its own, in pieces, with pauses."""

    def __init__(self, room: InMemoryRoom, dice: random.Random, steps: list[str]) -> None:
        super().__init__(room)
        self._dice = dice
        self._steps = steps
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked: set[str] = set()
        self.on_chat = self._question

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _question(self, mid: str, text: str) -> None:
        if mid in self._asked:  # doubled on the way, as the service is taken to notice
            return
        self._asked.add(mid)
        task = asyncio.create_task(self._answer(mid, text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, mid: str, text: str) -> None:
        pieces = answer_to(text)
        await asyncio.sleep(self._dice.random() * 0.5)
        for idx, piece in enumerate(pieces):
            self.part(mid, idx, piece, idx == len(pieces) - 1)
            await asyncio.sleep(self._dice.choice((0, 0, 0.01, 0.2)))


def answer_to(question: str) -> list[str]:
    """The pieces of the answer, always the same for a question."""
    dice = random.Random(question)
    words = [f"{dice.choice(WORDS)} " for _ in range(dice.randrange(1, 12))]
    return [f"To {question}: ", *words]


def _room(dice: random.Random, steps: list[str]) -> InMemoryRoom:
    limits = dice.choice((LIVEKIT, AGORA))
    lossy = limits is AGORA
    settings: dict[str, Any] = {
        "loss": dice.choice((0, 0, 0.02, 0.1)) if lossy else 0.0,
        "double": dice.choice((0, 0.1)) if lossy else 0.0,
        "reorder": dice.choice((0, 0.3)) if lossy else 0.0,
        "delay": dice.choice((0, 0.02, 0.2)),
        "seed": dice.randrange(2**31),
    }
    steps.append(f"{'Agora' if lossy else 'LiveKit'} limits, {settings}")
    return InMemoryRoom(limits=limits, **settings)


async def _trouble(room: InMemoryRoom, dice: random.Random, steps: list[str]) -> None:
    """Breaks the connection, has the avatar leave and return, and stops the room, now and then."""
    while True:
        await asyncio.sleep(dice.random() * 8)
        match dice.choice(("reconnect", "lossy reconnect", "avatar", "silent", "stuck")):
            case "avatar":
                steps.append("the avatar left and returned")
                room.change(ConnectionState.AVATAR_LEFT, "trouble")
                await asyncio.sleep(dice.random())
                room.change(ConnectionState.AVATAR_BACK)
            case "silent":
                steps.append("the room fell silent until it is joined again")
                room.silent = True
            case "stuck":
                steps.append("the room took no packet for a second")
                room.stuck = True
                await asyncio.sleep(1)
                room.stuck = False
            case name:
                steps.append(name)
                room.change(ConnectionState.RECONNECTING, "trouble")
                room.silent = name == "lossy reconnect"
                await asyncio.sleep(dice.random())
                room.silent = False
                room.change(ConnectionState.RECONNECTED, lossy=name == "lossy reconnect")


async def converse(seed: int, report: Report) -> None:
    """One conversation."""
    dice = random.Random(seed)
    steps: list[str] = []

    def wrong(what: str) -> None:
        report.violations.append(
            Violation(what, f"conversations --seed {seed} --once", tuple(steps[-20:]))
        )

    room = _room(dice, steps)
    avatar = Avatar(room, dice, steps)
    troubled = dice.random() < 0.6
    async with AvatarSession(room.transport, info=SessionInfo(mode=2), options=OPTIONS) as session:
        trouble = asyncio.create_task(_trouble(room, dice, steps)) if troubled else None
        try:
            names = iter(range(QUESTIONS))
            await asyncio.gather(
                *(_ask(session, seed, names, report, wrong) for _ in range(AT_A_TIME))
            )
        finally:
            if trouble is not None:
                trouble.cancel()
                await asyncio.wait([trouble])
            await avatar.stop()
            room.silent = room.stuck = False


async def _ask(
    session: AvatarSession,
    seed: int,
    names: Any,
    report: Report,
    wrong: Callable[[str], None],
) -> None:
    for number in names:
        text = f"question {seed}.{number}"
        expected = "".join(answer_to(text))
        report.counts["questions"] += 1
        if session.closed:
            report.counts["after the room's end"] += 1
            continue
        try:
            async with asyncio.timeout(HANGS):
                reply: Reply = await session.ask(text)
        except (ReplyIncompleteError, ReplyTimeoutError) as error:
            report.counts[type(error).__name__] += 1
            if not _is_part(error.text, expected):
                wrong(f"{text!r} failed with a text that isn't its answer's: {error.text!r}")
        except AkoolError as error:
            report.counts[type(error).__name__] += 1
        except TimeoutError:  # of the block: those of a reply are AkoolErrors
            wrong(f"{text!r} had no end")
        else:
            report.counts["answered"] += 1
            if reply.text == expected:
                continue
            if reply.ended != "fin" and _is_part(reply.text, expected):
                report.counts[f"cut off, marked {reply.ended!r}"] += 1
                continue
            wrong(f"{text!r} was answered with {reply.text!r} ({reply.ended}), not {expected!r}")


def _is_part(text: str, whole: str) -> bool:
    """Whether a text is the whole's in order, with pieces left out."""
    rest = iter(whole)
    return all(char in rest for char in text)


def run(seconds: float, seed: int, *, once: bool = False) -> Report:
    """Conversations until `seconds` are over; `once`: one of them."""
    report = Report("conversations")
    until = time.monotonic() + seconds
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        while True:
            runner.run(converse(seed, report))
            seed += 1
            if once or time.monotonic() > until:
                return report
