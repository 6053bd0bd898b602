"""A dialogue with an avatar that draws on a knowledge base made for it.

export AKOOL_API_KEY=…
python examples/knowledge_dialogue.py "When do you open?" "Do you sell green tea?"
"""

from __future__ import annotations

import sys
import time

import akool_async
from akool_async import AkoolClient

PROMPT = "You work in a tea shop that is open from nine to six. You sell green and black tea."


async def main(questions: list[str]) -> None:
    async with AkoolClient() as akool:
        base = await akool.knowledge.create(
            name=f"Tea shop {time.time_ns()}", prologue="Welcome to the tea shop!", prompt=PROMPT
        )
        try:
            async with akool.open_session(
                "dvp_Tristan_cloth2_1080P", knowledge_id=base.id, mode=2, language="en"
            ) as avatar:
                for question in questions:
                    print(f"you: {question}")
                    print("avatar: ", end="")
                    async for piece in avatar.stream(question):
                        print(piece, end="", flush=True)
                    print()
        finally:
            await akool.knowledge.delete(base.id)


if __name__ == "__main__":
    akool_async.run(main(sys.argv[1:] or ["When do you open?"]))
