"""A visitor who makes it hard for a bot with a language model of its own, and the bot's transcript.

The visitor interrupts, repeats the avatar's words, pauses in mid-sentence, and speaks while the
avatar greets. Afterwards the transcript has to have each of the visitor's texts once, and behind it
the model's answer, word for word, as far as the visitor let the avatar speak.

`python tests/support/scripted_visitor.py --minutes 5` runs `examples/llm_bot.py` as it is, over the
simulator's LiveKit room, in real time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import takewhile

from aiohttp import web
from loading import load_example

from akool_async import AvatarSession
from akool_async.simulator import ServiceBehavior, Simulator
from akool_async.simulator.avatar.avatar import GREETING
from akool_async.testing.waiting import until

__all__ = ["BEHAVIOR", "PACE", "ScriptedVisitor", "Turn", "answer_to", "language_model"]

#: As observed on the live service, with an avatar that greets on its own.
BEHAVIOR = ServiceBehavior(greets=True)
#: Seconds that the avatar takes for a word.
PACE = 0.1


def answer_to(text: str) -> str:
    """What the model answers."""
    length = 4 + sum(map(ord, text)) % 12
    counted = ", ".join(f"word {number}" for number in range(1, length))
    return f"To {len(text.split())} words I say: {counted}. That is all."


@asynccontextmanager
async def language_model(rng: random.Random) -> AsyncIterator[str]:
    """A server that speaks OpenAI's chat completions; its base URL."""

    async def complete(request: web.Request) -> web.StreamResponse:
        asked = (await request.json())["messages"]
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(rng.uniform(0.0, 0.4))
        unanswered = takewhile(lambda message: message["role"] == "user", reversed(asked))
        texts = [message["content"] for message in unanswered][::-1]
        for token in answer_to(" ".join(texts)).split(" "):
            line = {"choices": [{"delta": {"content": f"{token} "}}]}
            with contextlib.suppress(ConnectionResetError):  # the visitor interrupted
                await response.write(f"data: {json.dumps(line)}\n\n".encode())
            await asyncio.sleep(rng.uniform(0.0, 0.03))
        with contextlib.suppress(ConnectionResetError):
            await response.write(b"data: [DONE]\n\n")
        return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    try:
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/v1"
    finally:
        await runner.cleanup()


@dataclass(slots=True)
class Turn:
    """What the visitor says in one go: `texts` with pauses between them."""

    kind: str
    texts: list[str] = field(default_factory=list)
    interrupted: bool = False


class ScriptedVisitor:
    """Talks in the room of the simulator's newest session."""

    def __init__(self, avatar: AvatarSession, sim: Simulator, rng: random.Random) -> None:
        self.avatar = avatar
        self.turns: list[Turn] = []
        self._sim = sim
        self._random = rng
        self._session = sim.open_sessions[-1]

    async def visit(self, seconds: float) -> None:
        """Talks for so long; the last answer isn't interrupted."""
        clock = asyncio.get_running_loop().time
        ends = clock() + seconds
        await self._say(Turn("speaks while the avatar greets"), "hello there avatar")
        while clock() < ends:
            await self._turn()
        await self._silence()

    async def _turn(self) -> None:
        rng = self._random
        kind = rng.choice(["asks", "interrupts", "repeats", "pauses", "asks at once"])
        number = len(self.turns)
        sentence = f"this is sentence number {number} of {rng.choice(['mine', 'ours', 'many'])}"
        last = self._last_words()
        if kind in ("asks", "pauses", "repeats"):
            await self._silence()
            await asyncio.sleep(rng.uniform(0.1, 2.0))
        else:
            await asyncio.sleep(rng.uniform(0.8, 2.5) if kind == "interrupts" else 0.7)
            self._cuts_in()
        if kind == "repeats" and last:
            await self._say(Turn(kind), last)
        elif kind == "pauses":
            words = sentence.split()
            half = rng.randint(1, len(words) - 1)
            await self._say(Turn(kind), " ".join(words[:half]), " ".join(words[half:]))
        else:
            await self._say(Turn(kind), sentence)

    def _cuts_in(self) -> None:
        """The answer to the last turn may be cut off, or is over."""
        self.turns[-1].interrupted = True

    async def _say(self, turn: Turn, *texts: str) -> None:
        turn.texts.extend(texts)
        self.turns.append(turn)
        for place, text in enumerate(texts):
            if place:
                await asyncio.sleep(self._random.uniform(0.2, 0.4))
            await self._sim.user_says(self._session, text)

    async def _silence(self) -> None:
        """The last turn was answered, to the end."""
        turn = self.turns[-1]

        def over() -> bool:
            role, text = (entries := self._entries() or [("", "")])[-1]
            heard = sum(role == "user" for role, _ in entries)
            if heard < sum(len(turn.texts) for turn in self.turns):
                return False
            if role != "avatar" or self._sim.avatar(self._session).speaking:
                return False
            before = takewhile(lambda entry: entry[0] == "user", reversed(entries[:-1]))
            texts = [text for _, text in before][::-1]
            return self.avatar.transcript[-1].ended is not None and text == answer_to(
                " ".join(texts)
            )

        await until(over, f"the whole answer to {turn.texts!r}")

    def _last_words(self) -> str:
        entries = [entry.text for entry in self.avatar.transcript if entry.role == "avatar"]
        return entries[-1].rstrip() if entries else ""

    def _entries(self) -> list[tuple[str, str]]:
        return [
            (entry.role, entry.text.rstrip())
            for entry in self.avatar.transcript
            if entry.text.strip() not in ("", GREETING)
        ]

    def check(self) -> None:
        """Compares the transcript word for word."""
        entries = self._entries()
        heard = [text for role, text in entries if role == "user"]
        said = [text for turn in self.turns for text in turn.texts]
        assert heard == said, [(h, s) for h, s in zip(heard, said, strict=False) if h != s][:1]
        place = 0
        unanswered: list[str] = []
        for turn in self.turns:
            unanswered += turn.texts
            place += len(turn.texts)
            answer = answer_to(" ".join(unanswered))
            answers = []
            while place < len(entries) and entries[place][0] == "avatar":
                answers.append(entries[place][1])
                place += 1
            if answers:
                unanswered.clear()
            if turn.interrupted:
                assert len(answers) <= 1, (turn, answers)
                assert all(answer.startswith(text) for text in answers), (turn, answers)
            else:
                assert answers == [answer], (turn, answers)
        assert place == len(entries)


async def main(minutes: float, seed: int) -> None:
    """Runs the example, and prints what was compared."""
    bot = load_example("llm_bot")
    rng = random.Random(seed)
    async with (
        Simulator(behavior=BEHAVIOR, pace=PACE) as sim,
        language_model(rng) as model,
    ):
        os.environ |= {
            "AKOOL_API_URL": sim.url,
            "AKOOL_API_KEY": "any",
            "OPENAI_API_KEY": "any",
            "OPENAI_BASE_URL": model,
        }

        async def talk(avatar: AvatarSession) -> None:
            visitor = ScriptedVisitor(avatar, sim, rng)
            await visitor.visit(60 * minutes)
            visitor.check()
            kinds = sorted({turn.kind for turn in visitor.turns})
            print(f"{len(visitor.turns)} turns ({', '.join(kinds)}), {avatar.stats.echoes} echoes")

        bot.talk = talk  # type: ignore[attr-defined]
        await bot.main()
    print("the transcript is right, word for word")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.minutes, arguments.seed))
