"""The example of a whole voice loop, offline and over the simulator with media."""

from __future__ import annotations

import types
from collections.abc import AsyncIterator

import pytest
from loading import load_example


@pytest.fixture
def example() -> types.ModuleType:
    return load_example("voice_loop")


@pytest.mark.slow
async def test_a_scripted_conversation(
    example: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = await example.offline()
    said = [(one["role"], one["content"].strip()) for one in messages]
    assert said == [
        ("user", "Hello!"),
        ("assistant", "Hi there."),
        ("user", "Who are you?"),
        ("assistant", "A robot."),
    ]
    # What is heard of the avatar's voice; a busy machine may lose so much that it isn't understood.
    assert capsys.readouterr().out.count("heard: ") >= 2


async def test_sound_is_cut_where_it_is_quiet(example: types.ModuleType) -> None:
    loud, quiet = b"\x00\x20" * 480, bytes(960)
    begun: list[int] = []

    async def sound() -> AsyncIterator[bytes]:
        for piece in [quiet] * 9 + [loud] * 3 + [quiet] * 20 + [loud] * 2 + [quiet] * 80 + [loud]:
            yield piece

    turns = [turn async for turn in example.turns(sound(), lambda: begun.append(1))]
    # Five pieces from before it, and the 0.7 s that end it.
    assert [turn.samples_per_channel // 480 for turn in turns] == [5 + 3 + 20 + 2 + 35]
    assert len(begun) == 2


async def test_who_speaks_interrupts_the_avatar(example: types.ModuleType) -> None:
    loud, quiet = b"\x00\x20" * 480, bytes(960)
    interrupts: list[int] = []
    speaking = example.asyncio.Event()

    class Avatar:
        async def say(self, tokens: AsyncIterator[str]) -> None:
            async for _ in tokens:
                speaking.set()
            await example.asyncio.Event().wait()  # until it is interrupted

        async def interrupt(self) -> None:
            interrupts.append(1)

    async def sound() -> AsyncIterator[bytes]:
        for piece in [loud] * 3 + [quiet] * 36:
            yield piece
        await speaking.wait()
        yield loud

    async def recognise(turn: object) -> str:
        return "hello"

    async def answer(messages: object) -> AsyncIterator[str]:
        yield "A long answer."

    messages = await example.converse(Avatar(), sound(), recognise, answer)
    assert [one["role"] for one in messages] == ["user", "assistant"]
    assert interrupts == [1]
