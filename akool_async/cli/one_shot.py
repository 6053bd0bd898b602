"""`akool ask` and `akool say`: a session for one text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from akool_async.cli.lines import Lines
from akool_async.cli.options import SayOptions, SessionOptions
from akool_async.cli.records import show_json
from akool_async.cli.simulator import load_simulator
from akool_async.cli.terminal import printer
from akool_async.client import AkoolClient
from akool_async.conversation import AvatarSession
from akool_async.errors import InvalidParameterError
from akool_async.events import Reply
from akool_async.validation import speech

__all__ = ["ask", "say"]


async def ask(text: str, wanted: SessionOptions, *, simulated: bool, as_json: bool) -> int:
    """Asks; standard output gets the reply as it comes, and nothing else."""
    question = await _text(text)
    out = printer()
    reply: Reply | None = None
    async with _session(wanted, mode=2, simulated=simulated) as avatar:
        if as_json:
            reply = await avatar.ask(question)
        else:
            async with avatar.stream(question) as pieces:
                async for piece in pieces:
                    out.piece(piece)
            out.line()
    if reply is not None:
        show_json([{"text": reply.text, "mid": reply.mid, "ended": reply.ended}])
    return 0


async def say(text: str, wanted: SayOptions, *, simulated: bool, as_json: bool) -> int:
    """Has the avatar say a text, and waits until it was spoken; prints nothing but JSON."""
    words = await _text(text)
    async with _session(wanted, mode=1, simulated=simulated) as avatar:
        await avatar.say(words).spoken()
    if as_json:
        show_json([{"text": words, "spoken": True}])
    return 0


async def _text(argument: str) -> str:
    """The argument, or for "-" all of standard input."""
    if argument != "-":
        return speech("TEXT", argument)
    with Lines() as lines:
        whole = "\n".join([line async for line in lines])
    if not whole.strip():
        raise InvalidParameterError("TEXT", "is -, but nothing came from standard input")
    return speech("TEXT", whole.rstrip("\n"))


@asynccontextmanager
async def _session(
    wanted: SayOptions, *, mode: int, simulated: bool
) -> AsyncIterator[AvatarSession]:
    fields = wanted.fields(mode=mode)
    if not simulated:
        async with (
            wanted.client() as akool,
            akool.open_session(**fields) as avatar,
        ):
            yield avatar
        return
    async with (
        load_simulator()(pace=0.1) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(**fields) as avatar,
    ):
        yield avatar
