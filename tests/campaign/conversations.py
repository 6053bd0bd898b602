"""Questions over a room that loses, doubles, reorders, breaks and stalls; a model knows every word.

A question ends in its own answer, whole, or in an error that says what is missing; never in
another's text, never without an end. The avatar behaves in any of the ways that the service is
known or taken to. On the virtual clock, so a seed is the same in every run.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from fake_avatar import FakeAvatar
from findings import Report, Violation
from virtual_clock import VirtualClockLoop

from akool_async import AvatarSession, ConversationOptions, Reply, SessionInfo
from akool_async.errors import AkoolError, ReplyIncompleteError, ReplyTimeoutError
from akool_async.stream.limits import AGORA, LIVEKIT
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.transport import ConnectionState

__all__ = ["Case", "Ways", "converse", "reduced", "run"]

#: Questions in one conversation, and how many of them at a time.
QUESTIONS: Final = 40
AT_A_TIME: Final = 3
#: Seconds on the virtual clock in which a question has ended, by `reply_timeout`, or never does.
HANGS: Final = 120.0
OPTIONS: Final = ConversationOptions(reply_timeout=60.0)
WORDS: Final = ("ja", "naïve", "中文", "\N{GRINNING FACE}", "line\nbreak", '"quoted"', "سلام")
TROUBLES: Final = (
    "reconnect",
    "lossy reconnect",
    "the avatar left and returned",
    "the room fell silent until it is joined again",
    "the room took no packet for a second",
    "the loop stood still for two seconds",
)


@dataclass(frozen=True, slots=True)
class Ways:
    """How the avatar behaves; see `akool_async.simulator.ServiceBehavior`."""

    reply_mid: Literal["same", "other"] = "same"
    fin: Literal["every", "only_last", "missing"] = "every"
    fin_place: Literal["top", "pld"] = "top"
    echo: Literal["off", "same_mid", "other_mid"] = "off"
    empty_last_part: bool = False
    audio_events: bool = True
    halves_surrogates: bool = False
    #: Numbers as strings, fields that no one knows, a byte order mark.
    odd: bool = False

    @staticmethod
    def drawn(dice: random.Random) -> Ways:
        """The usual way, with some switches turned in half of the conversations."""
        if dice.random() < 0.5:
            return Ways()
        return Ways(
            dice.choice(("same", "other")),
            dice.choice(("every", "only_last", "missing")),
            dice.choice(("top", "pld")),
            dice.choice(("off", "same_mid", "other_mid")),
            *(dice.random() < 0.3 for _ in range(4)),
        )


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation. Parts that are left out by `reduced` don't change the others."""

    seed: int
    questions: int = QUESTIONS
    at_a_time: int = AT_A_TIME
    troubled: bool = True
    plain_room: bool = False
    plain_avatar: bool = False

    def dice(self, of: str) -> random.Random:
        """Dice of their own for each part."""
        return random.Random(f"{self.seed} {of}")

    def smaller(self) -> Iterator[Case]:
        """The same with less in it, the greatest steps first."""
        if self.questions > 1:
            for questions in sorted({1, self.questions // 4, self.questions // 2} - {0}):
                if questions < self.questions:
                    yield dataclasses.replace(self, questions=questions)
        for smaller in (
            dataclasses.replace(self, at_a_time=1),
            dataclasses.replace(self, troubled=False),
            dataclasses.replace(self, plain_room=True),
            dataclasses.replace(self, plain_avatar=True),
        ):
            if smaller != self:
                yield smaller

    def __str__(self) -> str:
        given = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }
        return ", ".join(f"{name}={value}" for name, value in given.items())


class Avatar(FakeAvatar):
    """Answers each question with words of its own, in pieces, with pauses."""

    def __init__(
        self, room: InMemoryRoom, ways: Ways, dice: random.Random, steps: list[str]
    ) -> None:
        super().__init__(room)
        self.ways = ways
        self._dice = dice
        self._steps = steps
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked: set[str] = set()
        self.on_chat = self._question
        steps.append(f"the avatar: {ways}")

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _question(self, mid: str, text: str) -> None:
        if mid in self._asked:  # doubled on the way, as the service is taken to notice
            return
        self._asked.add(mid)
        if self.ways.echo != "off":
            self.reply(mid if self.ways.echo == "same_mid" else f"e-{mid}", text, sender="user")
        task = asyncio.create_task(self._answer(mid, text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, mid: str, text: str) -> None:
        pieces = answer_to(text)
        if self.ways.halves_surrogates:
            pieces = [half for piece in pieces for half in _halves(piece)]
        if self.ways.empty_last_part:
            pieces.append("")
        mid = mid if self.ways.reply_mid == "same" else f"r-{mid}"
        await asyncio.sleep(self._dice.random() * 0.5)
        if self.ways.audio_events:
            self.event("audio_start", mid)
        for idx, piece in enumerate(pieces):
            self._piece(mid, idx, piece, last=idx == len(pieces) - 1)
            await asyncio.sleep(self._dice.choice((0, 0, 0.01, 0.2)))
        if self.ways.audio_events:
            self.event("audio_end", mid)

    def _piece(self, mid: str, idx: int, text: str, *, last: bool) -> None:
        ways = self.ways
        marked = ways.fin == "every" or (ways.fin == "only_last" and last)
        fin: dict[str, Any] = {"fin": last} if marked else {}
        pld: dict[str, Any] = {"from": "bot", "text": text}
        if ways.fin_place == "pld":
            pld, fin = pld | fin, {}
        if ways.odd:
            pld["mood"] = {"value": 1}
            self.send(type="chat", mid=mid, idx=str(idx), **fin, pld=pld, extra=[1])
        else:
            self.send(type="chat", mid=mid, idx=idx, **fin, pld=pld)


def _halves(piece: str) -> list[str]:
    """A piece cut inside its first character beyond the BMP, where it has one."""
    units = piece.encode("utf-16-le")
    for at in range(0, len(units), 2):
        if 0xD8 <= units[at + 1] < 0xDC:
            cut = at + 2
            return [
                part.decode("utf-16-le", "surrogatepass") for part in (units[:cut], units[cut:])
            ]
    return [piece]


def answer_to(question: str) -> list[str]:
    """The pieces of the answer, always the same for a question."""
    dice = random.Random(question)
    words = [f"{dice.choice(WORDS)} " for _ in range(dice.randrange(1, 12))]
    return [f"To {question}: ", *words]


def _room(case: Case, dice: random.Random, steps: list[str]) -> InMemoryRoom:
    limits = dice.choice((LIVEKIT, AGORA))
    lossy = limits is AGORA and not case.plain_room
    settings: dict[str, Any] = {
        "loss": dice.choice((0, 0, 0.02, 0.1)) if lossy else 0.0,
        "double": dice.choice((0, 0.1)) if lossy else 0.0,
        "reorder": dice.choice((0, 0.3)) if lossy else 0.0,
        "delay": 0.0 if case.plain_room else dice.choice((0, 0.02, 0.2)),
        "seed": dice.randrange(2**31),
    }
    steps.append(f"{'Agora' if limits is AGORA else 'LiveKit'} limits, {settings}")
    return InMemoryRoom(limits=limits, **settings)


async def _trouble(room: InMemoryRoom, dice: random.Random, steps: list[str]) -> None:
    """Breaks the connection, has the avatar leave and return, and stops the room, now and then."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(dice.random() * 8)
        what = dice.choice(TROUBLES)
        steps.append(f"{loop.time():.2f} s: {what}")
        if "reconnect" in what:
            room.change(ConnectionState.RECONNECTING, "trouble")
            room.silent = what == "lossy reconnect"
            await asyncio.sleep(dice.random())
            room.silent = False
            room.change(ConnectionState.RECONNECTED, lossy=what == "lossy reconnect")
        elif "left" in what:
            room.change(ConnectionState.AVATAR_LEFT, "trouble")
            await asyncio.sleep(dice.random())
            room.change(ConnectionState.AVATAR_BACK)
        elif "silent" in what:
            room.silent = True
        elif "packet" in what:
            room.stuck = True
            await asyncio.sleep(1)
            room.stuck = False
        elif isinstance(loop, VirtualClockLoop):
            loop.hold_up(2.0)


async def converse(case: Case, report: Report) -> list[tuple[str, tuple[str, ...]]]:
    """One conversation; returns what went wrong in it, each with the steps before."""
    steps: list[str] = []
    found: list[tuple[str, tuple[str, ...]]] = []
    room = _room(case, case.dice("room"), steps)
    ways = Ways() if case.plain_avatar else Ways.drawn(case.dice("ways"))
    avatar = Avatar(room, ways, case.dice("avatar"), steps)
    # Answers under mids of their own can only be told apart by their order.
    at_a_time = 1 if ways.reply_mid == "other" else case.at_a_time
    troubled = case.dice("troubled").random() < 0.6 and case.troubled
    async with AvatarSession(room.transport, info=SessionInfo(mode=2), options=OPTIONS) as session:
        trouble = (
            asyncio.create_task(_trouble(room, case.dice("trouble"), steps)) if troubled else None
        )
        try:
            names = iter(range(case.questions))
            await asyncio.gather(
                *(_ask(session, case, names, report, steps, found) for _ in range(at_a_time))
            )
        finally:
            if trouble is not None:
                trouble.cancel()
                await asyncio.wait([trouble])
            await avatar.stop()
            room.silent = room.stuck = False
    return found


async def _ask(
    session: AvatarSession,
    case: Case,
    names: Iterator[int],
    report: Report,
    steps: list[str],
    found: list[tuple[str, tuple[str, ...]]],
) -> None:
    def wrong(what: str) -> None:
        found.append((what, (*steps[:2], *steps[2:][-18:])))

    for number in names:
        text = f"question {case.seed}.{number}"
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
    return all(char == "\N{REPLACEMENT CHARACTER}" or char in rest for char in text)


def reduced(case: Case, runner: asyncio.Runner) -> Case:
    """The smallest case found that goes wrong as well."""
    looking = True
    while looking:
        looking = False
        for smaller in case.smaller():
            if runner.run(converse(smaller, Report("reducing"))):
                case, looking = smaller, True
                break
    return case


def run(seconds: float, seed: int, *, once: bool = False) -> Report:
    """Conversations until `seconds` are over; `once`: one of them."""
    report = Report("conversations")
    until = time.monotonic() + seconds
    while True:
        # A loop for each: all of them together take days of its time.
        with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
            if runner.run(converse(Case(seed), report)):
                case = reduced(Case(seed), runner)
                for what, steps in runner.run(converse(case, Report("again"))):
                    again = f"conversations --seed {seed} --once"
                    report.violations.append(Violation(what, again, (f"{case}", *steps)))
        seed += 1
        report.memory.look()
        if once or time.monotonic() > until:
            return report
