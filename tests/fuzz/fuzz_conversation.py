"""Holds random conversations in a room in memory: every answer goes to its question, nothing hangs.

    python tests/fuzz/fuzz_conversation.py --conversations 200 [--seed N]

Questions and texts to be said are cancelled and interrupted at any moment, and the room confirms
packets before or after the avatar answers them. Some avatars answer under the question's mid, some
under mids of their own. Those of the first kind may also greet unasked at any moment, and answer an
interrupted question late. Some send typed questions back as recognised speech.

A virtual clock makes a seed's conversation the same in every run. Prints the seeds and what went
wrong with which of them; exits with 1 then.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections import deque
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from fake_avatar import FakeAvatar
from virtual_clock import VirtualClockLoop

from akool_async import AvatarSession, ConversationOptions, SessionInfo
from akool_async.testing.in_memory_room import InMemoryRoom

#: Seconds: longer than anything here takes, shorter than any limit of a conversation.
LIMIT: Final = 15.0
OPTIONS: Final = ConversationOptions(
    interrupt_timeout=0.3, silence_after=None, speech_margin=60, first_piece=0.01
)


class Avatar(FakeAvatar):
    """Answers, or says, one thing after another; an interrupt makes it forget what it has."""

    def __init__(self, room: InMemoryRoom, chance: random.Random, *, retells: bool) -> None:
        super().__init__(room)
        self.said: list[str] = []
        self._chance = chance
        self._retells = retells
        self._own_mids = chance.random() < 0.6
        self._greets = not self._own_mids and not retells and chance.random() < 0.5
        self._answers_late = not self._own_mids and not retells and chance.random() < 0.5
        self._echoes = None if retells else chance.choice((None, None, "same mid", "other mid"))
        self._forgotten: list[tuple[str, str]] = []
        self._shows_text = not retells or chance.random() < 0.5
        self._todo: deque[tuple[str, str]] = deque()
        self._speaking: str | None = None
        self._mids = 0
        self._task: asyncio.Task[None] | None = None
        self.on_chat = self._asked
        self.on_command = self._commanded

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _asked(self, mid: str, text: str) -> None:
        if self._echoes is not None:
            self._mids += 1
            self.reply(
                mid if self._echoes == "same mid" else f"e-{self._mids}", text, sender="user"
            )
        self._greet()
        self._todo.append((mid, text))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    def _commanded(self, cmd: str) -> None:
        if cmd != "interrupt":
            return
        if self._answers_late:
            self._forgotten += self._todo
        self._todo.clear()
        self.forget_parts()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._end_audio()

    async def _work(self) -> None:
        while self._todo:
            mid, text = self._todo.popleft()
            await self._pause(0, 0, 0.005, 0.03)
            self._greet()
            while self._forgotten:
                late_mid, late_text = self._forgotten.pop()
                self.reply(late_mid, "re: ", late_text)
            self._mids += 1
            mid = f"own-{self._mids}" if self._own_mids else mid
            self._speaking = mid
            self.event("audio_start", mid)
            if self._shows_text:
                pieces = [text] if self._retells else ["re: ", text[:2], text[2:]]
                for idx, piece in enumerate(pieces):
                    self.part(mid, idx, piece, fin=idx == len(pieces) - 1)
                    await self._pause(0, 0, 0.002)
            await self._pause(0, 0.005, 0.02)
            self.said.append(text)
            self._end_audio()

    def _greet(self) -> None:
        if self._greets and self._chance.random() < 0.3:
            self._mids += 1
            self.reply(f"greeting-{self._mids}", "WEL", "COME")

    def _end_audio(self) -> None:
        if self._speaking is not None:
            self.event("audio_end", self._speaking)
            self._speaking = None

    async def _pause(self, *choices: float) -> None:
        await asyncio.sleep(self._chance.choice(choices))


async def confirm(room: InMemoryRoom, chance: random.Random) -> None:
    """Lets the room confirm packets only now and then, long after it delivered them."""
    while True:
        room.confirming.clear()
        await asyncio.sleep(chance.choice((0, 0.003, 0.02)))
        room.confirming.set()
        await asyncio.sleep(chance.choice((0, 0.003)))


@asynccontextmanager
async def conversation(chance: random.Random, *, retells: bool):
    room = InMemoryRoom(delay=chance.choice((0, 0.005)))
    avatar = Avatar(room, chance, retells=retells)
    info = SessionInfo(mode=1 if retells else 2)
    async with AvatarSession(room.transport, info=info, options=OPTIONS) as session:
        confirming = asyncio.create_task(confirm(room, chance))
        try:
            async with asyncio.timeout(LIMIT):
                yield session, avatar
        finally:
            confirming.cancel()
            await asyncio.wait([confirming])
            room.confirming.set()
            await avatar.stop()


async def ask(session: AvatarSession, chance: random.Random, name: int) -> list[str]:
    """Asks one question after another; returns what was wrong."""
    wrong = []
    interrupts = chance.random() < 0.5
    for number in range(6):
        text = f"question {name}.{number}"
        asking = asyncio.create_task(session.ask(text))
        if chance.random() < 0.25:
            await asyncio.sleep(chance.choice((0, 0.001, 0.004, 0.01, 0.04)))
            asking.cancel()
            await asyncio.wait([asking])
            if asking.cancelled():
                continue
        if interrupts and chance.random() < 0.2:
            await asyncio.sleep(chance.choice((0, 0.004, 0.02)))
            await session.interrupt()
        reply = await asking
        if reply.ended != "interrupted" and reply.text != f"re: {text}":
            wrong.append(f"{text!r} was answered with {reply.text!r}")
    return wrong


async def converse(seed: int) -> list[str]:
    """Questions, several at a time."""
    chance = random.Random(seed)
    async with conversation(chance, retells=False) as (session, _):
        names = range(chance.choice((1, 1, 2, 3)))
        found = await asyncio.gather(*(ask(session, chance, name) for name in names))
    return [line for lines in found for line in lines]


async def recite(seed: int) -> list[str]:
    """Texts to be said, whole and as they are written."""
    chance = random.Random(seed)
    wrong: list[str] = []

    async def tokens(text: str):
        for word in text.split(" "):
            yield word + " "
            await asyncio.sleep(chance.choice((0, 0, 0.003)))

    async with conversation(chance, retells=True) as (session, avatar):

        async def follow(utterance, text: str) -> None:
            if await utterance.spoken() and text not in (said.strip() for said in avatar.said):
                wrong.append(f"{text!r} counts as spoken and wasn't")

        following = []
        for number in range(10):
            text = f"Text {number} in some words."
            source = text if chance.random() < 0.5 else tokens(text)
            utterance = session.say(source, interrupt=chance.random() < 0.15)
            following.append(asyncio.create_task(follow(utterance, text)))
            what = chance.random()
            if what < 0.2:
                await asyncio.sleep(chance.choice((0, 0.001, 0.005, 0.02)))
                await utterance.cancel()
            elif what < 0.3:
                await asyncio.sleep(chance.choice((0, 0.005)))
                await session.interrupt()
            elif what < 0.7:
                await following[-1]
        await asyncio.gather(*following)
    return wrong


async def run(first: int, count: int) -> int:
    """Returns how many conversations went wrong."""
    failed = 0
    for seed in range(first, first + count):
        for hold in (converse, recite):
            try:
                wrong = await hold(seed)
            except TimeoutError:
                wrong = ["it hung"]
            failed += bool(wrong)
            for line in wrong:
                print(f"seed {seed}, {hold.__name__}: {line}")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first one")
    given = parser.parse_args()
    print(f"seeds {given.seed} to {given.seed + given.conversations - 1}", flush=True)
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        failed = runner.run(run(given.seed, given.conversations))
    print(f"{2 * given.conversations} conversations, {failed} went wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
